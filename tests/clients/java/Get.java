import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** Fetches one URL with java.net.http; the proxy comes from -Dhttp.proxyHost and its like. */
public class Get {
    public static void main(String[] args) {
        String target = args.length > 0 ? args[0] : System.getenv("BADPROXY_TARGET");
        String seconds = System.getenv().getOrDefault("BADPROXY_TIMEOUT", "5");
        Duration timeout = Duration.ofMillis((long) (Double.parseDouble(seconds) * 1000));
        try {
            var builder = HttpClient.newBuilder().proxy(ProxySelector.getDefault());
            if (System.getenv("BADPROXY_USER") != null) {
                builder.authenticator(new ProxyLogin());
            }
            var request = HttpRequest.newBuilder(URI.create(target)).timeout(timeout).build();
            var response = builder.build().send(request, BodyHandlers.ofByteArray());
            if (response.statusCode() >= 400) {
                fail("HTTP status " + response.statusCode());
            }
            System.out.writeBytes(response.body());
            System.out.flush();
        } catch (Exception error) {
            String said = error.toString();
            for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
                said += said.contains(cause.toString()) ? "" : " <- " + cause;
            }
            fail(said);
        }
    }

    static void fail(String said) {
        System.err.println(said.replaceAll("\\s+", " "));
        System.exit(1);
    }

    /** Answers a proxy's challenge, and nobody else's. */
    static class ProxyLogin extends Authenticator {
        @Override
        protected PasswordAuthentication getPasswordAuthentication() {
            if (getRequestorType() != RequestorType.PROXY) {
                return null;
            }
            String password = System.getenv().getOrDefault("BADPROXY_PASS", "");
            return new PasswordAuthentication(System.getenv("BADPROXY_USER"), password.toCharArray());
        }
    }
}
