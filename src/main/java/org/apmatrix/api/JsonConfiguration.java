package org.apmatrix.api;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.boot.http.converter.autoconfigure.ServerHttpMessageConvertersCustomizer;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.converter.yaml.JacksonYamlHttpMessageConverter;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.cfg.MapperBuilder;
import tools.jackson.databind.deser.std.StdScalarDeserializer;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.type.LogicalType;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** JSON to the letter: no unknown member, no member twice, no text for a number, no 5.7 for a 5. */
@Configuration(proxyBeanMethods = false)
class JsonConfiguration {
    /** No body of ours is deeper than 5; as spring.jackson.factory.constraints has it for JSON. */
    private static final int DEEPEST = 32;

    @Bean
    JsonMapperBuilderCustomizer strictJson() {
        return JsonConfiguration::strict;
    }

    /** YAML is read as JSON is: it is another spelling of the same documents. Only a mask that looks like a number ({@code -5}) is the text that it is. */
    @Bean
    ServerHttpMessageConvertersCustomizer strictYaml() {
        YAMLMapper.Builder builder = YAMLMapper.builder(YAMLFactory.builder()
                .streamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                .build());
        strict(builder);
        builder.withCoercionConfig(
                LogicalType.Textual,
                config -> config.setCoercion(CoercionInputShape.Integer, CoercionAction.TryConvert));
        builder.addModule(new SimpleModule().addDeserializer(Integer.class, new YamlInteger()));
        return converters -> converters.withYamlConverter(new JacksonYamlHttpMessageConverter(builder));
    }

    /** YAML has hex numbers, which Jackson leaves to be text; and 010, which is 10 to one reader of YAML and 8 to another, is no number here. */
    private static final class YamlInteger extends StdScalarDeserializer<Integer> {
        private static final Pattern HEX = Pattern.compile("0x([0-9a-fA-F]{1,7})");
        private static final Pattern DECIMAL = Pattern.compile("0|-?[1-9][0-9]{0,8}");

        YamlInteger() {
            super(Integer.class);
        }

        @Override
        public Integer deserialize(JsonParser parser, DeserializationContext context) {
            String text = String.valueOf(parser.getString());
            Matcher hex = HEX.matcher(text);
            if (parser.hasToken(JsonToken.VALUE_STRING) && hex.matches()) {
                return Integer.valueOf(hex.group(1), 16);
            }
            if (parser.hasToken(JsonToken.VALUE_NUMBER_INT)
                    && DECIMAL.matcher(text).matches()) {
                return Integer.valueOf(text);
            }
            return (Integer) context.handleUnexpectedToken(getValueType(), parser);
        }
    }

    private static void strict(MapperBuilder<?, ?> builder) {
        builder.enable(EnumFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(
                        DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                        DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .withCoercionConfig(
                        LogicalType.Textual,
                        config -> config.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail));
    }
}
