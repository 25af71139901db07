import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.BasicHttpClientResponseHandler;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.util.Timeout;

/** The proxy comes from -Dhttps.proxyHost and its like, which badproxy sets. */
class Get {
    public static void main(String[] args) {
        var builder = HttpClients.custom().useSystemProperties();
        var connections = PoolingHttpClientConnectionManagerBuilder.create().useSystemProperties();
        if (args.length > 1) {
            var timeout = Timeout.ofMilliseconds((long) (Double.parseDouble(args[1]) * 1000));
            builder.setDefaultRequestConfig(RequestConfig.custom().setResponseTimeout(timeout).build());
            connections.setDefaultConnectionConfig(ConnectionConfig.custom()
                    .setConnectTimeout(timeout).setSocketTimeout(timeout).build());
        }
        try (var client = builder.setConnectionManager(connections.build()).build()) {
            System.out.println(client.execute(new HttpGet(args[0]), new BasicHttpClientResponseHandler()));
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
