import java.net.HttpURLConnection;
import java.net.URI;

/** The proxy comes from -Dhttps.proxyHost and its like, which badproxy sets. */
class Get {
    public static void main(String[] args) {
        try {
            var connection = (HttpURLConnection) URI.create(args[0]).toURL().openConnection();
            if (args.length > 1) {
                connection.setConnectTimeout((int) (Double.parseDouble(args[1]) * 1000));
                connection.setReadTimeout(connection.getConnectTimeout());
            }
            System.out.write(connection.getInputStream().readAllBytes());
            System.out.flush();
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
