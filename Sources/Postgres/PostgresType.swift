/// The type of a parameter or of a column, as the server numbers it (an OID).
public struct PostgresType: Hashable, Sendable, CustomStringConvertible {
    /// The server's number; built-in types have fixed ones, below 16384.
    public let oid: UInt32

    /// The type that the server gave this number.
    public init(oid: UInt32) {
        self.oid = oid
    }

    /// As a parameter's type: whatever the server infers from where the parameter stands.
    public static let inferred = PostgresType(oid: 0)
    /// `boolean`
    public static let bool = PostgresType(oid: 16)
    /// `bytea`
    public static let bytea = PostgresType(oid: 17)
    /// `name`
    public static let name = PostgresType(oid: 19)
    /// `bigint`
    public static let int8 = PostgresType(oid: 20)
    /// `smallint`
    public static let int2 = PostgresType(oid: 21)
    /// `integer`
    public static let int4 = PostgresType(oid: 23)
    /// `text`
    public static let text = PostgresType(oid: 25)
    /// `json`
    public static let json = PostgresType(oid: 114)
    /// `real`
    public static let float4 = PostgresType(oid: 700)
    /// `double precision`
    public static let float8 = PostgresType(oid: 701)
    /// `unknown`, the type of a literal that nothing gave a type
    public static let unknown = PostgresType(oid: 705)
    /// `character(n)`
    public static let bpchar = PostgresType(oid: 1042)
    /// `character varying`
    public static let varchar = PostgresType(oid: 1043)
    /// `timestamp with time zone`
    public static let timestamptz = PostgresType(oid: 1184)
    /// `uuid`
    public static let uuid = PostgresType(oid: 2950)
    /// `jsonb`
    public static let jsonb = PostgresType(oid: 3802)
    /// `tstzrange`
    public static let tstzrange = PostgresType(oid: 3910)

    /// `boolean[]`
    public static let boolArray = PostgresType(oid: 1000)
    /// `bytea[]`
    public static let byteaArray = PostgresType(oid: 1001)
    /// `smallint[]`
    public static let int2Array = PostgresType(oid: 1005)
    /// `integer[]`
    public static let int4Array = PostgresType(oid: 1007)
    /// `text[]`
    public static let textArray = PostgresType(oid: 1009)
    /// `bigint[]`
    public static let int8Array = PostgresType(oid: 1016)
    /// `double precision[]`
    public static let float8Array = PostgresType(oid: 1022)
    /// `timestamptz[]`
    public static let timestamptzArray = PostgresType(oid: 1185)
    /// `uuid[]`
    public static let uuidArray = PostgresType(oid: 2951)
    /// `jsonb[]`
    public static let jsonbArray = PostgresType(oid: 3807)
    /// `tstzrange[]`
    public static let tstzrangeArray = PostgresType(oid: 3911)

    /// The server's name of the type, or its number if this module has no use for it.
    public var description: String {
        Self.names[self] ?? "type \(oid)"
    }

    /// Whether the server's installation defined it: enums and domains are, and so are ranges.
    var isUserDefined: Bool {
        oid >= 16384
    }

    private static let names: [PostgresType: String] = [
        bool: "bool", bytea: "bytea", name: "name", int8: "int8", int2: "int2", int4: "int4",
        text: "text", json: "json", float4: "float4", float8: "float8", unknown: "unknown",
        bpchar: "bpchar", varchar: "varchar", timestamptz: "timestamptz", uuid: "uuid",
        jsonb: "jsonb", tstzrange: "tstzrange", boolArray: "bool[]", byteaArray: "bytea[]",
        int2Array: "int2[]", int4Array: "int4[]", textArray: "text[]", int8Array: "int8[]",
        float8Array: "float8[]", timestamptzArray: "timestamptz[]", uuidArray: "uuid[]",
        jsonbArray: "jsonb[]", tstzrangeArray: "tstzrange[]", PostgresType(oid: 1114): "timestamp",
        PostgresType(oid: 1082): "date", PostgresType(oid: 1700): "numeric",
        PostgresType(oid: 1186): "interval", PostgresType(oid: 2278): "void",
    ]
}
