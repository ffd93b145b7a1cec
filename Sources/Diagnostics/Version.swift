/// The version of Clues.
package let cluesVersion = "0.1.0"
