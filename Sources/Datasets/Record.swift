/// One sample as it is in its file, before it is formatted for a model.
package struct Record: Sendable, Equatable {
  /// The line of the file that it starts in, counted from 1.
  package let line: Int

  /// Its id in the file, otherwise its index in the file, counted from 0.
  package let id: String

  /// Its own domain, if the file gives one.
  package let domain: String?

  package let content: Content

  /// The name of what it shares with other samples, such as the passage that it asks about; nil if there is nothing.
  package var group: String? = nil

  /// The content to learn from.
  package enum Content: Sendable, Equatable {
    /// A task, its input, and the answer; also the system message if the file has one.
    case instruction(system: String?, instruction: String, input: String, answer: String)
    /// A text and its continuation.
    case completion(prompt: String, completion: String)
    /// The turns of a conversation, and the number of them that are not learned, whatever their role.
    case conversation([Message], given: Int)
    /// A text, all of which is learned.
    case text(String)
    /// Token ids, and which of them are learned.
    case tokens([Int32], learned: [Bool])
  }

  /// One turn of a conversation.
  package struct Message: Sendable, Equatable {
    package let role: Role
    package let content: String

    package init(_ role: Role, _ content: String) { (self.role, self.content) = (role, content) }
  }

  /// The speaker.
  package enum Role: String, Sendable {
    case system, user, assistant
  }
}
