import java.io.IOException;
import java.io.InputStream;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URI;

/** Fetches one URL with HttpURLConnection, which knows Basic, Digest and NTLM. */
public class UrlGet {
    public static void main(String[] args) {
        String target = args.length > 0 ? args[0] : System.getenv("BADPROXY_TARGET");
        String seconds = System.getenv().getOrDefault("BADPROXY_TIMEOUT", "5");
        int timeout = (int) (Double.parseDouble(seconds) * 1000);
        if (System.getenv("BADPROXY_USER") != null) {
            Authenticator.setDefault(new ProxyLogin());
        }
        try {
            var connection = (HttpURLConnection) URI.create(target).toURL().openConnection();
            connection.setConnectTimeout(timeout);
            connection.setReadTimeout(timeout);
            int status = connection.getResponseCode();
            if (status >= 400) {
                fail("HTTP status " + status);
            }
            try (InputStream body = connection.getInputStream()) {
                System.out.writeBytes(body.readAllBytes());
            }
            System.out.flush();
        } catch (IOException error) {
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
