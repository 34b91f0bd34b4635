extension DataDirectory {
    /// Throws unless the account may pass through `ancestor`, where it exists, and all above it.
    /// Costs a process (about 3 ms) when we are root, nothing else.
    func checkReach(to ancestor: String) async throws {
        // Root gives the directory itself to the account; what stands above it has to let it in.
        var above = ancestor.split(separator: "/").map(String.init)
        if ancestor == path, !above.isEmpty { above.removeLast() }
        guard account.mustDrop, try await !canPass(above) else { return }
        var length = 0
        while length < above.count, try await canPass(Array(above.prefix(length))) { length += 1 }
        throw PostgresClusterError.unreachable(
            directory: path, blockedAt: "/" + above.prefix(length).joined(separator: "/"),
            account: account.name)
    }

    /// Asked of the kernel, as the account: mode bits alone would miss groups and ACLs.
    private func canPass(_ components: [String]) async throws -> Bool {
        let command = Command(
            executable: "/usr/bin/test",
            arguments: ["-x", "/" + components.joined(separator: "/")], account: account)
        return try await command.run().succeeded
    }
}
