import Digests

/// Chat templates recognized by the digest of their text, with the equivalent ``Template`` of Clues.
///
/// A chat template is a program; one that differs in a single letter may write anything, so nothing is guessed.
enum KnownChatTemplates {
  static func template(_ text: String) -> Template? { digests[sha256(of: text)] }

  /// SHA-256 of texts as published; `Tests/Fixtures/templates` lists their publishers.
  private static let digests: [String: Template] = [
    "153280e3ff55d19da1398bdb3914ee2a51b80429bfaedde11d7d216c39db80f3": .chatml,
    "8c0d16dff6538b0c244cec6954dcd9492831bb13dcf1cd5afd2693c91a857a3b": .chatml,
    "58c1a1f04baa7adaeaba1f90267c3d57d9396f0c1f0129bdde9e76d3c6784af7": .chatml,
    "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788": .smollm2,
    "793202280c0910ab26bc6eb57c8212c2417324c6d8c4efd0d10d59092ab3e3eb": .qwen2,
    "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f": .qwen,
    "55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a": .qwen,
    "87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5": .qwen3,
    "ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122": .llama3,
    "b48c47f6443892716176eb200bf4ef108f64e06ca26ed0fa8ebc0a4b3992fcb2": .llama3,
    "e8d5b5a546d3f19df16a5320c614fab05bdc4edd50e850f1afd947b503ea41cf": .llama2,
    "26a59556925c987317ce5291811ba3b7f32ec4c647c400c6cc7e3a9993007ba7": .mistral,
    "fcf7a096fe99a48fd9ad2b250bf9237e96e8f48bffec1c7ea4d3f225176cd40e": .chatml,
    "1eca4a136b0ee4b7ce51bf09c5366f71d4345b9358f4dc1a6fc161912975b450": .chatml,
    "d7b5b8c7b58f7a6bf868aa46a5f73ee976d7292f40fcb9c3e7a1defd8d235cfb": .chatml,
    "de9cde7d1b0ca0cc87459a6673e0d12fb89c070bdb24e4a30b6e4d187b226221": .smollm2,
    "f0206845c9ebc3abb4735d44f286eb81ce99238ad2accc710c6fc60e6cb8ccc8": .qwen2,
    "4f46ecd43418f216df8c26936c60e5d04bcc81db47db5d86fbe889f64212dd4c": .llama3,
    "b75e17085cfc511ead6d4fab84b86ab3c168ec7a332568a91d0889cdcba94394": .llama3,
    "9780fae5bfea3cfd7be37d328c6edfd296a8869be8131495bbe7eb37e780c88c": .llama2,
  ]
}
