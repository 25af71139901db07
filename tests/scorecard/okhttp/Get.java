import java.time.Duration;
import okhttp3.OkHttpClient;
import okhttp3.Request;

/** The proxy comes from -Dhttps.proxyHost and its like, which badproxy sets. */
class Get {
    public static void main(String[] args) {
        var builder = new OkHttpClient.Builder();
        if (args.length > 1) {
            builder.callTimeout(Duration.ofMillis((long) (Double.parseDouble(args[1]) * 1000)));
        }
        var request = new Request.Builder().url(args[0]).build();
        try (var response = builder.build().newCall(request).execute()) {
            if (!response.isSuccessful()) {
                throw new RuntimeException("HTTP status " + response.code());
            }
            System.out.println(response.body().string());
            System.exit(0); // the pool would keep the process for a minute
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
