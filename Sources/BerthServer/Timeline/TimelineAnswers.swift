import BerthDatabase
import DequeModule

/// Answers of `/v1/timeline` as they went out last, by what was asked: a thousand people who look at the same span
/// cost one reading of the database each time that something changes.
actor TimelineAnswers {
    /// Which state of the records an answer shows, and its body.
    struct Kept: Sendable {
        var tag: String
        var body: EncodedBody
    }

    /// How many different questions are kept answered.
    private static let mostKept = 16

    private var kept: [TimelineQuestion: Kept] = [:]
    private var order: Deque<TimelineQuestion> = []
    private var building: [TimelineQuestion: (tag: String, task: Task<Kept, any Error>)] = [:]

    /// The answer to a question for a state of the records: kept, being built for somebody else, or built now.
    func answer(
        to question: TimelineQuestion, tag: String,
        build: @escaping @Sendable () async throws -> EncodedBody
    ) async throws -> Kept {
        if let known = kept[question], known.tag == tag { return known }
        if let other = building[question], other.tag == tag { return try await other.task.value }
        // In a task of its own: others may wait for it when this caller is gone.
        let task = Task { Kept(tag: tag, body: try await build()) }
        building[question] = (tag, task)
        defer { if building[question]?.task == task { building[question] = nil } }
        let built = try await task.value
        keep(built, for: question)
        return built
    }

    private func keep(_ answer: Kept, for question: TimelineQuestion) {
        if kept.updateValue(answer, forKey: question) == nil { order.append(question) }
        while order.count > Self.mostKept { kept[order.removeFirst()] = nil }
    }
}
