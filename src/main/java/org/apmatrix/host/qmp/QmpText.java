package org.apmatrix.host.qmp;

import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A command and its answer as texts, for a monitor that somebody else owns and passes them on. */
public final class QmpText {
    private static final JsonMapper JSON = new JsonMapper();

    private QmpText() {}

    /** The command as one JSON object. */
    public static String of(QmpCommand<?> command) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("execute", command.execute());
        if (!command.arguments().isEmpty()) {
            message.put("arguments", command.arguments());
        }
        return JSON.writeValueAsString(message);
    }

    /**
     * Reads the answer.
     *
     * @throws QmpException.Refused where QEMU refused
     * @throws QmpException.Unreadable where it is no answer
     */
    public static <R> R reply(QmpCommand<R> command, String answer) {
        return command.reply(valueOf(command.execute(), answer));
    }

    private static JsonNode valueOf(String execute, String answer) {
        QmpMessage message;
        try {
            message = QmpMessage.of(JSON.readTree(answer));
        } catch (JacksonException e) {
            throw new QmpException.Unreadable("not JSON: " + e.getOriginalMessage(), e);
        }
        if (message instanceof QmpMessage.Failure failure) {
            throw new QmpException.Refused(execute, failure.errorClass(), failure.description());
        }
        if (message instanceof QmpMessage.Reply reply) {
            return reply.value();
        }
        throw new QmpException.Unreadable("no answer to a command: " + Members.excerpt(message));
    }
}
