import Foundation
import Testing

@testable import BerthCore

struct BookingSheetTests {
    static let names = KnownNames(
        environments: [
            ("uat-1", "UAT 1 London", "Europe/London", false),
            ("uat-2", "UAT 2 London", "Europe/London", false),
            ("uat-crm", "", "Europe/Berlin", false),
            ("uat-0", "UAT 1 London", "Europe/London", true),
        ], teams: [])

    static func read(
        _ text: String, names: SheetColumnNames = .none, pattern: DatePattern? = nil
    ) throws -> ReadSheet<SheetRow> {
        try ReadSheet(
            Sheet(
                bookings: Data(text.utf8), columns: names, pattern: pattern, names: Self.names))
    }

    static func detail(_ row: String, header: String = "environment,from,to,title") throws -> String
    {
        let sheet = try read(header + "\n" + row)
        return try #require(sheet.rejects.first).detail
    }

    @Test("a row is read with its cells trimmed and its defaults filled")
    func row() throws {
        let sheet = try Self.read(
            " From ;TO;Environment;Title;Labels;Colour\n"
                + "2027-06-01 09:00;2027-06-01 10:00; uat-1 UAT-2,uat-1 ;Soak ;a:1 b:2;red\n;;;;;\n"
        )
        let row = try #require(sheet.rows.first)
        #expect(row.environments == ["uat-1", "uat-2"])
        #expect(RFC3339.text(row.period.lowerBound) == "2027-06-01T08:00:00Z")
        #expect(row.period.upperBound.timeIntervalSince(row.period.lowerBound) == 3_600)
        #expect(row.title == "Soak")
        #expect(row.mode == .exclusive)
        #expect(row.team == nil)
        #expect(row.labels == ["a": "1", "b": "2"])
        #expect((row.line, row.place) == (2, 1))
        #expect(sheet.ignoredHeaders == ["Colour"])
        #expect(sheet.blankRows == 1)
    }

    @Test("a row that cannot be read says which field, what is wrong and what to do")
    func rejects() throws {
        let time = "2027-06-01 09:00,2027-06-01 10:00"
        #expect(try Self.detail("uat-1,\(time),").hasPrefix("title: empty"))
        #expect(try Self.detail(",\(time),x").hasPrefix("environment: empty"))
        #expect(try Self.detail("uat-9,\(time),x").contains("there is no environment “uat-9”"))
        #expect(try Self.detail("uat-1,2027-06-01,2027-06-01,x").contains("also the start"))
        #expect(try Self.detail("uat-1,2027-06-02,2027-06-01,x").contains("lies before from"))
        #expect(try Self.detail("uat-1,\(time)").contains("3 fields, the header 4"))
        #expect(try Self.detail("uat-1,\(time),x,y").contains("5 fields, the header 4"))
        #expect(try Self.detail("uat-1,\(time),\"a\"b").contains("field 4 goes on"))
        #expect(try Self.detail("uat-1 uat-crm,\(time),x").contains("several zones"))
        #expect(
            try Self.detail("uat-1,,,\(String(repeating: "é", count: 201))").contains(
                "201 characters"))
        let more = "environment,from,to,title,mode,minutes,labels,timeZone"
        let faults = try Self.detail("uat-1,\(time),x,both,30,a:1 a:2,BST", header: more)
        for part in ["mode: “both”", "labels: “a” is given twice", "timeZone: “BST”", "disagree"] {
            #expect(faults.contains(part), "\(faults)")
        }
    }

    @Test("minutes stand for the end, and timeZone for the environments' zones")
    func minutesAndZone() throws {
        let sheet = try Self.read(
            "environment,from,minutes,title,timeZone\n"
                + "uat-1 uat-crm,2027-06-01 09:00,90,x,Asia/Kolkata\n")
        let row = try #require(sheet.rows.first)
        #expect(RFC3339.text(row.period.lowerBound) == "2027-06-01T03:30:00Z")
        #expect(RFC3339.text(row.period.upperBound) == "2027-06-01T05:00:00Z")
    }

    @Test("other headers and dates are read as told")
    func names() throws {
        let text =
            "Umgebung,Beginn,\"Ende, Ortszeit\",Zweck\nuat-crm,1.6.2027 9:00,1.6.2027 10:00,x\n"
        let names = try SheetColumnNames(
            "environment=umgebung, from=Beginn,\"to=Ende, Ortszeit\",title=Zweck")
        let sheet = try Self.read(text, names: names, pattern: DatePattern("d.M.yyyy H:mm"))
        #expect(
            RFC3339.text(try #require(sheet.rows.first).period.lowerBound) == "2027-06-01T07:00:00Z"
        )
    }

    @Test("a header that leaves a column unclear is refused with the remedy")
    func headers() throws {
        let missing = #expect(throws: SheetError.self) { try Self.read("Umgebung,from,title\n") }
        #expect(
            missing?.description.contains("--columns environment=HEADER,to=HEADER") == true,
            "\(missing as Any)")
        #expect(throws: SheetError.self) { try Self.read("environment,from,FROM,to,title\n") }
        #expect(throws: SheetError.empty) { try Self.read("\n\n") }
        let given = ["from=Nowhere", "colour=title", "from=title,to=title"]
        for text in given {
            let names = try SheetColumnNames(text)
            #expect(throws: SheetError.self, "\(text)") {
                try Self.read("environment,from,to,title\n", names: names)
            }
        }
        #expect(throws: SheetHeaderError.malformedNames("from")) { try SheetColumnNames("from") }
    }

    @Test("a row is known by its content and its place among equal rows, however it is written")
    func identity() throws {
        let row = "uat-1,2027-06-01 09:00,2027-06-01 10:00,Größe,"
        let sheet = try Self.read("environment,from,to,title,notes\n\(row)\n\(row)\n\(row)x\n")
        #expect(sheet.rows.map(\.identity.copy) == [1, 2, 1])
        #expect(Set(sheet.rows.map(\.identity.canonicalBytes)).count == 3)
        let other = try Self.read(
            "title;colour;TO;from;environments\r\n"
                + "Gro\u{308}ße;red;2027-06-01 10:00; 2027-06-01 09:00;uat-1\r\n")
        #expect(other.rows.map(\.identity) == [sheet.rows[0].identity])
        let shifted = try Self.read(
            "environment,from,to,title,contact,ticket\n"
                + "uat-1,2027-06-01,2027-06-02,x,a,\nuat-1,2027-06-01,2027-06-02,x,,a\n")
        #expect(Set(shifted.rows.map(\.identity.content)).count == 2)
    }

    @Test("a rejects file read again gives the same rows, apart from their booked equals")
    func rejectsFile() throws {
        let row = "uat-1,2027-06-01 09:00,2027-06-01 10:00,\"=1+1, \"\"x\"\"\""
        let sheet = try Self.read("environment,from,to,title\n\(row)\n\(row)\nuat-1,too few\n")
        var file = RejectsFile(header: sheet.header, delimiter: .semicolon)
        file.append(SheetReject(sheet.rows[1], reason: .conflict, detail: "taken", met: "BK-1"))
        for reject in sheet.rejects { file.append(reject) }
        let text = String(decoding: file.data.dropFirst(3), as: UTF8.self)
        #expect(text.hasPrefix("line;copy;reason;detail;met;environment;from;to;title\r\n"))
        #expect(text.contains("3;2;conflict;taken;BK-1;uat-1;"))
        #expect(text.contains(";\"'=1+1, \"\"x\"\"\"\r\n"))
        let again = try ReadSheet(Sheet(bookings: file.data, names: Self.names))
        #expect(again.rows.map(\.identity) == [sheet.rows[1].identity])
        #expect(again.rejects.map(\.fields) == [["uat-1", "too few"]])
        #expect(again.header == sheet.header)
    }

    @Test("rows made equal by hand in a rejects file do not pass for one another")
    func equalByHand() throws {
        let row = "conflict,,,uat-1,2027-06-01,2027-06-02,x"
        let sheet = try Self.read(
            "line,copy,reason,detail,met,environment,from,to,title\n"
                + "2,3,\(row)\n3,3,\(row)\n4,,\(row)\n5,1,\(row)\n6,1,\(row)\n")
        #expect(sheet.rows.map(\.identity.copy) == [3, 1, 2, 4, 5])
    }

    @Test("Excel's line sep=; is obeyed and counted")
    func stated() throws {
        let sheet = try Self.read(
            "sep=;\r\nenvironment;from;to;title\r\nuat-1;2027-06-01;2027-06-02;x")
        #expect(sheet.delimiter == .semicolon)
        #expect(sheet.rows.map(\.line) == [3])
    }

    @Test("Environments are found by their names, spaces, commas and either case included")
    func environmentNames() throws {
        let sheet = try Self.read(
            """
            environment,from,to,title
            uat 2 LONDON,2027-06-01,2027-06-02,By name
            "UAT 1 London, uat-crm",2027-06-01T00:00Z,2027-06-02T00:00Z,By name and key
            UAT 1 Londn,2027-06-01,2027-06-02,Misspelt
            """)
        #expect(sheet.rows.map(\.environments) == [["uat-2"], ["uat-1", "uat-crm"]])
        #expect(
            sheet.rejects.map(\.detail) == [
                "environment: there is no environment “UAT 1 Londn”: is UAT 1 London meant?"
            ])
    }

    @Test(
        "How dates are written is asked once for the whole sheet, by what all of them can be",
        arguments: [
            (["3/4/27", "13/4/27"], "2 dates", "--date-format 'd/M/yy', which reads them all"),
            (["03/04/27", "04/05/27"], "2 dates", "'dd/MM/yy' or 'MM/dd/yy'"),
            (["03/04/27", "4/5/27"], "2 dates", "'d/M/yy' or 'M/d/yy'"),
            (["03/04/27"], "1 date is", "“03/04/27” on line 2 first"),
            (["13/04/27", "04/13/27"], "2 dates", "they are not all written alike"),
        ])
    func dateQuestion(dates: [String], count: String, remedy: String) throws {
        let rows = dates.map { "uat-1,\($0),2027-12-01,x" }
        let sheet = try Self.read(
            (["environment,from,to,title"] + rows + ["uat-1,tbd,2027-12-01,x"]).joined(
                separator: "\n"))
        let question = try #require(sheet.dates.question)
        #expect(question.hasPrefix(count) && question.contains(remedy), "\(question)")
        #expect(sheet.rejects.count == dates.count + 1)
    }

    @Test("A sheet whose dates were read, or could not be dates, asks nothing")
    func noQuestion() throws {
        let sheet = try Self.read(
            "environment,from,to,title\nuat-1,1.6.2027,2.6.2027,x\nuat-1,a,b,x")
        #expect(sheet.rows.count == 1 && sheet.dates.question == nil)
    }

    @Test("A file that cannot be read to its end is refused before its first row")
    func wholeFile() throws {
        #expect(throws: SheetError.unterminatedQuote(line: 3)) {
            try Self.read("environment,from,to,title\nuat-1,2027-06-01,2027-06-02,x\n\"uat-1,")
        }
    }
}
