# {"requirements": ["opentelemetry-sdk"]}
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
tracer = provider.get_tracer("real")


def handler(event):
    with tracer.start_as_current_span(event["name"]) as span:
        return span.is_recording()
