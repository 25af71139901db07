import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** The proxy comes from -Dhttps.proxyHost and its like, which badproxy sets. */
class Get {
    public static void main(String[] args) {
        try {
            var client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
            var request = HttpRequest.newBuilder(URI.create(args[0]));
            if (args.length > 1) {
                request.timeout(Duration.ofMillis((long) (Double.parseDouble(args[1]) * 1000)));
            }
            var response = client.send(request.build(), BodyHandlers.ofString());
            if (response.statusCode() >= 400) {
                throw new RuntimeException("HTTP status " + response.statusCode());
            }
            System.out.println(response.body());
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
