package org.apmatrix.api;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The metrics that an expression of PromQL names, each with the labels that its selectors name. No parser: enough for the rules and pictures that ship here. */
final class PromQl {
    private static final Pattern TEXT = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"");
    private static final Pattern RANGE = Pattern.compile("\\[[^\\]]*\\]");
    private static final Pattern GROUPING =
            Pattern.compile("\\b(by|without|on|ignoring|group_left|group_right)\\s*\\([^)]*\\)");
    private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((\\w+),\\s*(\\w+)\\)");
    private static final Pattern NAME = Pattern.compile("(?<![\\w.$])([a-zA-Z_:][\\w:]*)(\\s*\\(|\\{([^}]*)\\})?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)\\s*(?:=~|!~|!=|=)");
    private static final Set<String> WORDS =
            Set.of("and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "m", "h", "s", "d");

    private PromQl() {}

    static Map<String, Set<String>> metrics(String expression) {
        String text = LABEL_VALUES.matcher(expression).replaceAll("$1{$2=\"\"}");
        text = TEXT.matcher(text).replaceAll("''");
        text = RANGE.matcher(text).replaceAll("");
        text = GROUPING.matcher(text).replaceAll("");
        Map<String, Set<String>> metrics = new TreeMap<>();
        Matcher names = NAME.matcher(text);
        while (names.find()) {
            boolean function = names.group(2) != null && names.group(2).endsWith("(");
            if (function || WORDS.contains(names.group(1))) {
                continue;
            }
            metrics.computeIfAbsent(names.group(1), name -> new TreeSet<>()).addAll(labels(names.group(3)));
        }
        return metrics;
    }

    private static Set<String> labels(String selector) {
        Set<String> labels = new LinkedHashSet<>();
        if (selector != null) {
            LABEL.matcher(selector).results().forEach(label -> labels.add(label.group(1)));
        }
        return labels;
    }
}
