/// Text as it may stand in a message: in quotes, control characters escaped, cut after 80 characters.
package func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(80).map {
        $0.value < 0x20 || $0.value == 0x7f ? $0.escaped(asASCII: true) : String($0)
    }
    return "'\(shown.joined())\(text.unicodeScalars.count > 80 ? "…" : "")'"
}
