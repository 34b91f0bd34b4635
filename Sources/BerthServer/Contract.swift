import Foundation

/// The contract of the API, `openapi.yaml`, as the program carries it.
public enum Contract {
    /// Its text. Throws when the program was installed without its resources.
    public static func text() throws -> String {
        let file = Bundle.module.bundleURL.appending(path: "openapi.yaml")
        return try String(contentsOf: file, encoding: .utf8)
    }
}
