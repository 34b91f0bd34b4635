import Glibc

/// The system user that PostgreSQL runs as. PostgreSQL refuses root.
struct ServerAccount: Sendable, Equatable {
    let uid: uid_t
    let gid: gid_t
    let name: String
    /// Whether we are root and it is somebody else.
    let mustDrop: Bool

    static var weAreRoot: Bool { geteuid() == 0 }

    /// Whoever runs us. A container may run us under a uid that has no name.
    static var ourselves: ServerAccount {
        ServerAccount(uid: geteuid())
            ?? ServerAccount(
                uid: geteuid(), gid: getegid(), name: "uid \(geteuid())", mustDrop: false)
    }

    /// Who runs the cluster in a directory of `owner`, nil for one that is still to be made.
    ///
    /// For an ordinary user that is the user. Root drops to the owner when that is not root, since
    /// PostgreSQL demands that its data belong to it; else to `postgres`, else to `nobody`.
    static func forDirectory(ownedBy owner: uid_t?) throws -> ServerAccount {
        guard weAreRoot else { return ourselves }
        if let owner, owner != 0 {
            guard let account = ServerAccount(uid: owner) else {
                throw PostgresClusterError.noAccount("uid \(owner)")
            }
            return account
        }
        guard let account = ServerAccount(named: "postgres") ?? ServerAccount(named: "nobody")
        else { throw PostgresClusterError.noAccount("postgres or nobody") }
        return account
    }

    /// The command line that runs `executable` as this account.
    func commandLine(executable: String, arguments: [String]) -> [String] {
        guard mustDrop else { return [executable] + arguments }
        return [
            "/usr/bin/setpriv", "--reuid=\(uid)", "--regid=\(gid)", "--init-groups",
            "--inh-caps=-all", "--", executable,
        ] + arguments
    }

    /// Gives a file that root made to the account; does nothing for an ordinary user.
    func own(_ descriptor: Int32) {
        if mustDrop { _ = fchown(descriptor, uid, gid) }
    }

    private init(uid: uid_t, gid: gid_t, name: String, mustDrop: Bool) {
        self.uid = uid
        self.gid = gid
        self.name = name
        self.mustDrop = mustDrop
    }

    private init?(named name: String) {
        self.init { getpwnam_r(name, $0, $1, $2, $3) }
    }

    private init?(uid: uid_t) {
        self.init { getpwuid_r(uid, $0, $1, $2, $3) }
    }

    private init?(
        _ look: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let account: ServerAccount? = buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, look(&entry, base, buffer.count, &found) == 0,
                found != nil, let name = entry.pw_name
            else { return nil }
            return ServerAccount(
                uid: entry.pw_uid, gid: entry.pw_gid, name: String(cString: name),
                mustDrop: Self.weAreRoot && entry.pw_uid != 0)
        }
        guard let account else { return nil }
        self = account
    }
}
