import Foundation

/// A VCALENDAR taken apart: the lines of its events and of its zones (RFC 5545, section 3.6).
struct CalendarParts {
    /// A component with the lines that stand directly in it.
    struct Part {
        /// The line of its BEGIN.
        var line: Int
        var lines: [ContentLine] = []
        /// The first thing wrong inside it.
        var fault: CalendarFault?
        /// The STANDARD and DAYLIGHT of a VTIMEZONE.
        var observances: [Part] = []

        /// Its first line of a name. Searched by place: to copy each line would cost more than to read it.
        func first(_ name: ContentLine.Name) -> ContentLine? {
            for index in lines.indices where lines[index].name == name { return lines[index] }
            return nil
        }

        fileprivate init(line: Int) {
            self.line = line
        }

        fileprivate mutating func refuse(_ fault: CalendarFault) {
            if self.fault == nil { self.fault = fault }
        }
    }

    var events: [Part] = []
    var zones: [Part] = []
    /// X-WR-TIMEZONE.
    var zoneName: String?
}

extension CalendarParts {
    /// How deep components may nest.
    private static let deepest = 32
    /// The most lines that are kept of an event, and of an observance.
    private static let mostLines = 10_000

    /// The calendars of a file. Throws as ``CalendarFile`` does.
    static func calendars(in bytes: UnsafeRawBufferPointer) throws(CalendarFault) -> [CalendarParts]
    {
        var scanner = try ContentLineScanner(bytes)
        var reading = CalendarReading()
        while let item = try scanner.next() { try reading.take(item) }
        return try reading.finish()
    }

    /// Components that have begun and not ended, the parts that are kept of them, and the calendars so far.
    private struct CalendarReading {
        private var calendars: [CalendarParts] = []
        private var open: [(name: String, line: Int)] = []
        private var event: Part?
        private var zone: Part?
        private var observance: Part?

        mutating func take(_ item: ContentLineScanner.Item) throws(CalendarFault) {
            switch item {
            case .malformed(let fault), .illegible(let fault):
                guard !open.isEmpty else { throw Self.noCalendar(fault.line) }
                if event != nil {
                    event?.refuse(fault)
                } else if case .illegible = item {
                    throw fault
                } else {
                    zone?.refuse(fault)
                }
            case .other(let line):
                if open.isEmpty { throw Self.noCalendar(line) }
            case .line(let line):
                switch line.name {
                case .begin: try begin(line)
                case .end: try end(line)
                default: try keep(line)
                }
            }
        }

        func finish() throws(CalendarFault) -> [CalendarParts] {
            if let unended = open.last {
                throw CalendarFault(line: unended.line, detail: "\(unended.name) has no END")
            }
            guard !calendars.isEmpty else { throw Self.noCalendar(1) }
            return calendars
        }

        private mutating func begin(_ line: ContentLine) throws(CalendarFault) {
            let name = line.token
            if name == "VEVENT", let before = lastIndex(of: name) {
                event?.refuse(CalendarFault(line: open[before].line, detail: "VEVENT has no END"))
                end(at: before)
            }
            guard open.count < CalendarParts.deepest else {
                throw CalendarFault(
                    line: line.line, detail: "nests deeper than \(CalendarParts.deepest)")
            }
            guard !open.isEmpty || name == "VCALENDAR" else { throw Self.noCalendar(line.line) }
            switch (open.last?.name, name) {
            case (nil, _): calendars.append(CalendarParts())
            case (_, "VEVENT"): event = Part(line: line.line)
            case (_, "VTIMEZONE") where event == nil: zone = Part(line: line.line)
            case ("VTIMEZONE", "STANDARD"), ("VTIMEZONE", "DAYLIGHT"):
                observance = Part(line: line.line)
            default: break
            }
            open.append((name, line.line))
        }

        private mutating func end(_ line: ContentLine) throws(CalendarFault) {
            guard let index = lastIndex(of: line.token) else {
                let fault = CalendarFault(line: line.line, detail: "ends what did not begin")
                guard event != nil else { throw fault }
                event?.refuse(fault)
                return
            }
            end(at: index)
        }

        private func lastIndex(of name: String) -> Int? {
            open.lastIndex { $0.name == name }
        }

        /// Ends a component, and before it those inside it that have no END.
        private mutating func end(at index: Int) {
            while open.count > index {
                let ended = open.removeLast()
                if open.count > index {
                    event?.refuse(
                        CalendarFault(line: ended.line, detail: "\(ended.name) has no END"))
                }
                close(ended.name)
            }
        }

        private mutating func close(_ name: String) {
            let last = calendars.count - 1
            switch name {
            case "VEVENT":
                if let event { calendars[last].events.append(event) }
                event = nil
            case "VTIMEZONE":
                if let zone { calendars[last].zones.append(zone) }
                zone = nil
            case "STANDARD", "DAYLIGHT":
                if let observance { zone?.observances.append(observance) }
                observance = nil
            default: break
            }
        }

        private mutating func keep(_ line: ContentLine) throws(CalendarFault) {
            guard let holder = open.last?.name else { throw Self.noCalendar(line.line) }
            switch holder {
            case "VEVENT": CalendarParts.keep(line, in: &event)
            case "VTIMEZONE": CalendarParts.keep(line, in: &zone)
            case "STANDARD", "DAYLIGHT": CalendarParts.keep(line, in: &observance)
            case "VCALENDAR" where line.name == .calendarZone:
                calendars[calendars.count - 1].zoneName = line.text
            default: break
            }
        }

        private static func noCalendar(_ line: Int) -> CalendarFault {
            CalendarFault(line: line, detail: "is no calendar: it begins with BEGIN:VCALENDAR")
        }
    }

    private static func keep(_ line: ContentLine, in part: inout Part?) {
        guard let count = part?.lines.count else { return }
        if count < mostLines {
            part?.lines.append(line)
        } else {
            part?.refuse(
                CalendarFault(line: line.line, detail: "is one of more than \(mostLines) lines"))
        }
    }
}
