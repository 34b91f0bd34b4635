import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation
import Synchronization

/// `berth demo`: the service with sample data around today.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Serves the booking API with sample data, and prints where to look.",
        discussion: "The data is made anew at each start, in a temporary directory.")

    @OptionGroup var address: AddressOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "berth-demo-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let address = try address.resolved(try await database.settings())
        let demo = Mutex<DemoData.Tokens?>(nil)
        let server = Server(
            location: .directory(folder), address: address, logger: try await database.logger(),
            prepare: { database in
                let tokens = try await DemoData(database: database, now: Date()).fill()
                demo.withLock { $0 = tokens }
            },
            whenReady: { port in
                guard let tokens = demo.withLock({ $0 }) else { return }
                FileHandle.standardError.say(
                    tokens.invitation(to: "http://\(address.host):\(port)", now: Date()))
            })
        try await server.run()
    }
}
