import Postgres

/// Labels as stored: a `jsonb` object of strings. Most records have none, and are read without a JSON
/// decoder.
struct StoredLabels: PostgresDecodable {
    var labels: [String: String]

    init(postgres value: PostgresValue) throws {
        let isEmpty = value.type == .jsonb && value.bytes.elementsEqual([1, 0x7B, 0x7D])
        labels = isEmpty ? [:] : try PostgresJSON<[String: String]>(postgres: value).value
    }
}
