import FunctionModel
import Hummingbird

/// The query of a request, in which every parameter must be known.
struct QueryParameters {
    private let values: [String: String]

    /// - Throws: `InvalidRequest` that names a parameter that is unknown or is there twice.
    init(_ request: Request, known: [String]) throws(InvalidRequest) {
        var values: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            guard known.contains(String(name)) else {
                throw InvalidRequest(
                    "Unknown parameter \(quoted(String(name))). There are: \(known.joined(separator: ", ")).")
            }
            guard values.updateValue(String(value), forKey: String(name)) == nil else {
                throw InvalidRequest("The parameter '\(name)' is given twice.")
            }
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name] }

    /// `?name`, `?name=true` or `?name=false`.
    func flag(_ name: String) throws(InvalidRequest) -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "", "true": return true
        case let value?: throw InvalidRequest("Invalid value \(quoted(value)) of '\(name)': give true or false.")
        }
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws(InvalidRequest) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw InvalidRequest(
                "Invalid value \(quoted(text)) of '\(name)': give a number from \(range.lowerBound) to "
                    + "\(range.upperBound).")
        }
        return number
    }
}
