import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * DynamoDB Local on 127.0.0.1 only, with the options that its own ServerRunner takes.
 *
 * <p>ServerRunner makes a Jetty server that listens on every interface, and has no option for that.
 * The server is in a private field: if a later version renames it, this class ends with an error.
 */
public class LoopbackServer {
    public static void main(String[] arguments) {
        try {
            DynamoDBProxyServer engine = ServerRunner.createServerFromCommandLineArgs(arguments);
            Field field = DynamoDBProxyServer.class.getDeclaredField("server");
            field.setAccessible(true);
            for (Connector connector : ((Server) field.get(engine)).getConnectors()) {
                ((ServerConnector) connector).setHost("127.0.0.1");
            }
            engine.safeStart();
        } catch (Exception error) {
            error.printStackTrace();
            // Otherwise threads of the engine would keep the process alive.
            System.exit(1);
        }
    }
}
