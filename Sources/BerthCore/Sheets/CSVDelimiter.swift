import Foundation

/// What separates the fields of a sheet.
public enum CSVDelimiter: UInt8, CaseIterable, Hashable, Sendable {
    /// `,`, as RFC 4180 has it.
    case comma = 0x2C
    /// `;`, what Excel writes where the comma is the decimal sign.
    case semicolon = 0x3B
    /// A tab, what is copied from a spreadsheet.
    case tab = 0x09
}

extension CSVDelimiter {
    /// Records that detection looks at, and the bytes it takes at most.
    private static let sampleRecords = 20
    private static let sampleBytes = 64 * 1024

    /// The delimiter that splits the first 20 records best: the one that gives the most columns,
    /// weighed by the share of records that have as many fields as the header.
    ///
    /// Delimiters inside quotes do not count. Comma where nothing else is better.
    static func detect(in bytes: Data) -> CSVDelimiter {
        let sample = bytes.prefix(sampleBytes)
        var best = CSVDelimiter.comma
        var bestScore = 1.0
        for candidate in allCases {
            let score = score(of: candidate, in: sample)
            if score > bestScore { (best, bestScore) = (candidate, score) }
        }
        return best
    }

    private static func score(of candidate: CSVDelimiter, in sample: Data) -> Double {
        var reader = CSVReader(sample, delimiter: candidate)
        var counts: [Int] = []
        // The sample may end inside a quoted field: what was read before that still counts.
        while counts.count < sampleRecords, let record = try? reader.next() {
            counts.append(record.fields.count)
        }
        guard let columns = counts.first, columns > 1 else { return 0 }
        let alike = counts.count { $0 == columns }
        return Double(columns) * Double(alike) / Double(counts.count)
    }
}
