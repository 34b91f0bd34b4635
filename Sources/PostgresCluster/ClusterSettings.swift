/// What a private server for one small service is told.
enum ClusterSettings {
    /// Goes into `postgresql.conf` of a new cluster, not onto the command line: there, an operator
    /// can change it, by hand or with ALTER SYSTEM.
    static let configuration = """

        # Berth's defaults. Change them as you like; Berth sets only the socket itself.
        shared_buffers = 256MB
        effective_cache_size = 1GB
        random_page_cost = 1.1
        max_connections = 100
        jit = off                       # costs more than our queries take
        autovacuum = on
        fsync = on                      # with the next two: acknowledged is durable
        synchronous_commit = on
        full_page_writes = on
        wal_compression = on
        max_wal_size = 1GB
        min_wal_size = 80MB
        timezone = 'UTC'
        log_timezone = 'UTC'
        cluster_name = 'berth'
        logging_collector = off         # Berth opens and rotates postgres.log
        log_line_prefix = '%m [%p] '
        log_checkpoints = off
        log_min_error_statement = fatal # a refused booking is no event of the database

        """

    /// Arguments for `postgres`: the caller's settings, then what makes the server private, which
    /// wins over them.
    static func arguments(_ overrides: [String: String], socketDirectory: String) -> [String] {
        let chosen = overrides.sorted { $0.key < $1.key }
        let fixed = [
            ("listen_addresses", ""),
            ("unix_socket_directories", socketDirectory),
            ("port", String(SocketDirectory.port)),
        ]
        return (chosen + fixed).flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }

    /// Whether the caller gave up durability, as tests do.
    static func isDurable(_ overrides: [String: String]) -> Bool {
        overrides["fsync"].map { !["off", "false", "no", "0"].contains($0.lowercased()) } ?? true
    }
}
