import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.lambda.LambdaAsyncClient;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.FunctionConfiguration;
import software.amazon.awssdk.services.lambda.model.InvokeResponse;
import software.amazon.awssdk.services.lambda.model.LogType;
import software.amazon.awssdk.services.lambda.model.ResourceNotFoundException;
import software.amazon.awssdk.services.sts.StsClient;

/**
 * A stranger to Lambent: endpoint, region and keys come from the environment alone. Prints one JSON document.
 *
 * <pre>
 * Client live NAME ZIP RUNTIME ROLE    a function's life
 * Client invoke NAME EVENT             one call, by the asynchronous client
 * Client whoami                        whose keys these are
 * </pre>
 */
public final class Client {
    public static void main(String[] args) throws Exception {
        Map<String, Object> answer = switch (args[0]) {
            case "live" -> live(args[1], Path.of(args[2]), args[3], args[4]);
            case "invoke" -> invoke(args[1], args[2]);
            case "whoami" -> whoami();
            default -> throw new IllegalArgumentException(args[0]);
        };
        System.out.write((new Gson().toJson(answer) + "\n").getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private static Map<String, Object> live(String name, Path code, String runtime, String role) {
        try (LambdaClient client = LambdaClient.create()) {
            String created = create(client, name, code, runtime, role);
            client.waiter().waitUntilFunctionActiveV2(get -> get.functionName(name));
            FunctionConfiguration active = client.getFunction(get -> get.functionName(name)).configuration();
            List<String> listed = client.listFunctionsPaginator(list -> list.maxItems(1)).functions().stream()
                    .map(FunctionConfiguration::functionName)
                    .toList();
            InvokeResponse called = call(client, name, Map.of("name", "wörld ✓"));
            InvokeResponse large = call(client, name, Map.of("name", "x".repeat(1 << 20)));
            InvokeResponse failed = call(client, name, Map.of());
            client.deleteFunction(delete -> delete.functionName(name));
            return Map.of(
                    "created", created,
                    "active", Map.of(
                            "state", active.stateAsString(),
                            "update", active.lastUpdateStatusAsString(),
                            "description", active.description(),
                            "timeout", active.timeout(),
                            "variables", active.environment().variables()),
                    "listed", listed,
                    "called", Map.of(
                            "status", called.statusCode(),
                            "version", called.executedVersion(),
                            "answer", parsed(called.payload()),
                            "log", new String(Base64.getDecoder().decode(called.logResult()), StandardCharsets.UTF_8)),
                    "large", parsed(large.payload()).get("greeting").getAsString().length(),
                    "failed", Map.of(
                            "error", failed.functionError(),
                            "type", parsed(failed.payload()).get("errorType")),
                    "gone", missing(client, name));
        }
    }

    private static String create(LambdaClient client, String name, Path code, String runtime, String role) {
        return client.createFunction(create -> create
                .functionName(name)
                .description("größer ✓")
                .runtime(runtime)
                .handler("app.greet")
                .role(role)
                .timeout(10)
                .environment(environment -> environment.variables(Map.of("GREETING", "grüß dich")))
                .code(zip -> zip.zipFile(SdkBytes.fromByteArray(read(code))))).functionArn();
    }

    private static InvokeResponse call(LambdaClient client, String name, Map<String, String> event) {
        return client.invoke(invoke -> invoke
                .functionName(name)
                .payload(SdkBytes.fromUtf8String(new Gson().toJson(event)))
                .logType(LogType.TAIL));
    }

    private static Map<String, Object> missing(LambdaClient client, String name) {
        try {
            client.getFunction(get -> get.functionName(name));
            throw new IllegalStateException("the function is still there");
        } catch (ResourceNotFoundException error) {
            return Map.of(
                    "error", error.awsErrorDetails().errorCode(),
                    "message", error.awsErrorDetails().errorMessage(),
                    "status", error.statusCode(),
                    "requestId", error.requestId());
        }
    }

    private static Map<String, Object> invoke(String name, String event) {
        try (LambdaAsyncClient client = LambdaAsyncClient.create()) {
            InvokeResponse answer = client.invoke(
                    invoke -> invoke.functionName(name).payload(SdkBytes.fromUtf8String(event))).join();
            return Map.of("status", answer.statusCode(), "answer", parsed(answer.payload()));
        }
    }

    private static Map<String, Object> whoami() {
        try (StsClient client = StsClient.create()) {
            var identity = client.getCallerIdentity();
            return Map.of("account", identity.account(), "arn", identity.arn());
        }
    }

    private static JsonObject parsed(SdkBytes payload) {
        return JsonParser.parseString(payload.asUtf8String()).getAsJsonObject();
    }

    private static byte[] read(Path path) {
        try {
            return java.nio.file.Files.readAllBytes(path);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }
}
