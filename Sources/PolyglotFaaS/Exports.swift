// One import is enough for a program that calls functions.
@_exported import FunctionExecution
@_exported import FunctionModel
@_exported import Telemetry
