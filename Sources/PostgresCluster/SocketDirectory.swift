import Glibc

/// Where PostgreSQL's socket lies.
///
/// Closed to all but the account that PostgreSQL runs as (and root, whom modes do not bind): the
/// cluster trusts whoever reaches the socket, so this directory is its lock.
struct SocketDirectory: Sendable, Equatable {
    static let port = 5432
    /// What `sun_path` holds before its terminating zero.
    private static let longestSocketPath = 107

    let path: String

    /// Inside the data directory; under `/tmp`, by a name that every process derives alike from the
    /// data directory, when that path is too long or would need quoting in
    /// `unix_socket_directories` or in a connection string, which both take lists.
    init(dataDirectory: String) {
        let inside = "\(dataDirectory)/socket"
        let isPlain = inside.utf8.allSatisfy { byte in
            byte > 0x20 && byte != 0x7f && !#","'\"#.utf8.contains(byte)
        }
        if isPlain, Self.socket(in: inside).utf8.count <= Self.longestSocketPath {
            path = inside
        } else {
            path = "/tmp/berth-\(String(Self.hash(dataDirectory), radix: 36))"
        }
    }

    /// Makes the directory, and removes the socket that a killed postmaster left.
    ///
    /// To be called when no postmaster runs. The socket's lock file would stop PostgreSQL if its
    /// pid has been given to another process meanwhile.
    func prepare(for account: ServerAccount) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw PostgresClusterError.system("create", path: path, code: errno)
        }
        // Anyone may make a name under /tmp first: what exists must be a directory, no link, that
        // nobody else can enter. One of root's was made by us and not given away yet.
        guard let found = DataDirectory.attributes(of: path), found.st_mode & S_IFMT == S_IFDIR
        else { throw taken("is not a directory") }
        guard found.st_uid == account.uid || (found.st_uid == 0 && account.mustDrop) else {
            throw taken("belongs to uid \(found.st_uid) and not to \(account.name)")
        }
        guard found.st_mode & 0o077 == 0 else { throw taken("is open to other users") }
        guard !account.mustDrop || lchown(path, account.uid, account.gid) == 0 else {
            throw PostgresClusterError.system("give away", path: path, code: errno)
        }
        unlink(Self.socket(in: path))
        unlink("\(Self.socket(in: path)).lock")
    }

    private func taken(_ reason: String) -> PostgresClusterError {
        .socketDirectoryTaken(path, reason: reason)
    }

    private static func socket(in directory: String) -> String {
        "\(directory)/.s.PGSQL.\(port)"
    }

    /// FNV-1a: it has to be the same in every process and release, which `Hasher` is not, and need
    /// not resist anyone, since the owner of what is found is checked.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
