// Events, results and documents are JSON: code that uses the model uses its values too.
@_exported import JSON
