import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { onTestFinished } from 'vitest'
import { createOtelObserver, type ExecutionObserver, type OtelObserverOptions } from 'dagstream/otel'
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts'

/** An observer whose spans arrive at a receiver of OTLP. */
export interface OtelRig {
  readonly observer: ExecutionObserver
  readonly receiver: OtlpReceiver
  /** Sends the spans that have ended. */
  readonly flush: () => Promise<void>
}

/** The official SDK and exporter, in front of a receiver on a socket. */
export async function otelRig(options: Omit<OtelObserverOptions, 'tracerProvider'> = {}): Promise<OtelRig> {
  const receiver = await startOtlpReceiver()
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  onTestFinished(async () => {
    await tracerProvider.shutdown()
    await receiver.close()
  })
  const observer = await createOtelObserver({ ...options, tracerProvider })
  return { observer, receiver, flush: () => tracerProvider.forceFlush() }
}
