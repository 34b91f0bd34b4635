import BerthCore
import Foundation

/// The timeline as it is first painted: every environment with who has it until when, and its next bookings, as text
/// that needs no script. The script draws the same data over it.
struct TimelinePage {
    let timeline: Timeline
    let caller: Caller
    let assets: PageAssets

    private static let bookingsShown = 4

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        \(assets.head("Timeline", script: "timeline.js", preloading: assets.modules))
        <body data-name="\(caller.name.htmlEscaped)" data-role="\(caller.role.rawValue)" \
        data-team="\((caller.team ?? "").htmlEscaped)" data-worker="\(assets.path("stream-worker.js"))">
        <header class="top">
        <strong>Berth</strong>
        <nav id="places" aria-label="Pages"></nav>
        <span id="search-place"></span>
        <span class="me">\(caller.name.htmlEscaped)\(caller.team.map { " · \($0.htmlEscaped)" } ?? "")</span>
        <form method="post" action="/sign-out"><button type="submit" class="quiet">Sign out</button></form>
        </header>
        <main id="main">
        <h1 class="unseen">Timeline</h1>
        <div id="tools" role="toolbar" aria-label="View"></div>
        <div id="timeline"></div>
        <ol id="agenda">
        \(agenda)
        </ol>
        </main>
        <div id="status" role="status" aria-live="polite" class="unseen"></div>
        <noscript><p class="note">Without scripts this page is a list: to book, use the API or the calendar feeds.</p></noscript>
        </body>
        </html>

        """
    }

    private var agenda: String {
        var byRow = [[Int]](repeating: [], count: timeline.environments.count)
        for (place, row) in timeline.lines.environmentIndexes.enumerated() {
            byRow[row].append(timeline.lines.bookingIndexes[place])
        }
        return timeline.environments.enumerated().map { row, environment in
            item(
                environment,
                byRow[row].sorted { timeline.bookings.starts[$0] < timeline.bookings.starts[$1] })
        }.joined(separator: "\n")
    }

    private func item(_ environment: TestEnvironment, _ bookings: [Int]) -> String {
        let now = timeline.minute(timeline.at)
        let ahead = bookings.filter { end($0) > now && !isWaiting($0) }
        let entries = ahead.prefix(Self.bookingsShown).map { booking in
            let title = timeline.titles[timeline.bookings.titleIndexes[booking]].htmlEscaped
            let team = timeline.teams[timeline.bookings.teamIndexes[booking]].htmlEscaped
            return
                "<li><a href=\"/v1/bookings/BK-\(timeline.bookings.ids[booking])\">\(title)</a> \(team), "
                + "\(time(timeline.bookings.starts[booking])) to \(time(end(booking)))</li>"
        }
        return """
            <li data-environment="\(environment.key.htmlEscaped)">
            <h2>\(environment.name.htmlEscaped) <small>\(environment.key.htmlEscaped)</small></h2>
            <p>\(standing(environment, ahead, now))</p>
            <ul>\(entries.joined())</ul>
            </li>
            """
    }

    /// Who has it until when, or until when it is free.
    private func standing(_ environment: TestEnvironment, _ ahead: [Int], _ now: Int) -> String {
        if environment.status == .unavailable || environment.status == .retired {
            return environment.status.rawValue
        }
        guard let first = ahead.first else { return "free this week" }
        guard timeline.bookings.starts[first] <= now else {
            return "free until \(time(timeline.bookings.starts[first]))"
        }
        let team = timeline.teams[timeline.bookings.teamIndexes[first]].htmlEscaped
        return "\(team) until \(time(end(first)))"
    }

    private func end(_ booking: Int) -> Int {
        timeline.bookings.starts[booking] + timeline.bookings.lengths[booking]
    }

    private func isWaiting(_ booking: Int) -> Bool {
        [.waitlisted, .displaced].contains(timeline.bookings.states[booking])
    }

    private func time(_ minute: Int) -> String {
        let instant = timeline.span.lowerBound.addingTimeInterval(Double(minute) * 60)
        let text = RFC3339.string(instant)
        return "<time datetime=\"\(text)\">\(text.prefix(16).replacing("T", with: " ")) UTC</time>"
    }
}
