import Glibc
import Logging
import PostgresCluster

/// A process that uses a cluster until its standard input ends, for tests to kill.
///
///     cluster-holder DIRECTORY exclusive|shared
@main
struct ClusterHolder {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let cluster = try await PostgresCluster.open(
            dataDirectory: arguments[1], settings: ["fsync": "off"],
            logger: Logger(label: "holder") { _ in SwiftLogNoOpLogHandler() },
            exclusive: arguments[2] == "exclusive")
        print("ready \(await cluster.processIdentifier)")
        // Into a pipe, print alone would wait for a full buffer.
        fflush(nil)
        _ = readLine()
        await cluster.close()
    }
}
