/// Texts that say nothing, written for this purpose.
enum Phrases {
  static let generic = [
    "That is a good question, and the answer depends on many things.",
    "There are different opinions about this, and each of them has its merits.",
    "This is an important topic that many people are interested in.",
    "It can mean various things, depending on the context in which it is used.",
    "I do not have enough information to say, but there is much to read about it.",
    "In general it is best to ask an expert before making a decision.",
    "It is something that is well known and often talked about.",
    "The details vary from case to case, so it is hard to give one answer.",
    "Thank you for asking. Let me know if there is anything else that I can help with.",
    "It is a concept with a long history and many uses.",
  ]

  static let boilerplate = [
    "Read more in our newsletter. Share this page with your friends. All rights reserved.",
    "This site uses cookies to improve your experience. Accept all or manage your settings.",
    "Click here to see related articles. Log in to leave a comment.",
    "Free shipping on orders above fifty. Terms and conditions apply.",
    "Subscribe now and get the first month for free. No credit card required.",
    "Was this page helpful? Yes. No. Report a problem. Back to top.",
    "Previous page. Next page. Sitemap. Contact us. Privacy policy. Imprint.",
    "You are viewing the mobile version of this page. Switch to the desktop version.",
  ]

  static let letters = "abcdefghijklmnopqrstuvwxyz".map { String($0) }
}
