/// One sample as its file has it, before it is text for a model.
package struct Record: Sendable, Equatable {
  /// The line of the file that it starts in, counted from 1.
  package let line: Int

  /// What the file calls it, else its place in the file, counted from 0.
  package let id: String

  /// Its own domain, where the file says one.
  package let domain: String?

  package let content: Content

  /// What it has in common with the others of this name, such as the passage that it asks about; nil where it has nothing.
  package var group: String? = nil

  /// What can be learned from.
  package enum Content: Sendable, Equatable {
    /// A task, what it is about, and the answer; the system's message if the file has one.
    case instruction(system: String?, instruction: String, input: String, answer: String)
    /// A text and how it goes on.
    case completion(prompt: String, completion: String)
    /// The turns of a conversation, and how many of them are not to be learned whoever speaks.
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

  /// Who speaks.
  package enum Role: String, Sendable {
    case system, user, assistant
  }
}
