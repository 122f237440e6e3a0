import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { DagstreamError, describeValue } from '../errors.ts'
import { loadOptional } from '../optional-package.ts'
import { cutText } from '../text.ts'
import { loadTraceApi } from './trace-api.ts'

/** The environment variables of the SDK. */
export type OtelEnvironment = Readonly<Record<string, string | undefined>>

/** An SDK that exports traces. */
export interface StartedSdk {
  /** Sends the spans that are left, within the export timeout, and ends. Rejects if they could not be sent. */
  readonly close: () => Promise<void>
}

/** Maximum length of a message of the SDK, characters. */
const MAX_PROBLEM = 1024

/** One command for all packages: versions of other majors do not fit each other. */
const INSTALL =
  '@opentelemetry/api@1 @opentelemetry/sdk-trace-base@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-proto@0.223'

const EXPORTERS = {
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
} as const

/**
 * Starts OpenTelemetry's SDK for traces and registers it. The SDK and its exporter read `OTEL_*` from the environment of the process:
 * service name and resource, endpoint, headers, timeouts, sampler, limits and batches. Read here are `OTEL_SDK_DISABLED`,
 * `OTEL_TRACES_EXPORTER` and `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`.
 * @param onProblem receives warnings and errors of the SDK, such as exports that failed
 * @returns `undefined` where the environment turns traces off
 * @throws `MISSING_PACKAGE`; `INVALID_OPTION` for an exporter or a protocol that is not supported
 */
export async function startOtelSdk(
  env: OtelEnvironment,
  onProblem: (message: string) => void,
): Promise<StartedSdk | undefined> {
  const chosen = env['OTEL_TRACES_EXPORTER'] || 'otlp'
  if (env['OTEL_SDK_DISABLED'] === 'true' || chosen === 'none') return undefined
  if (chosen !== 'otlp') throw unsupported('OTEL_TRACES_EXPORTER', 'otlp or none', chosen)
  const exporter = await createExporter(env)
  const { trace, diag, DiagLogLevel } = await loadTraceApi()
  const { BasicTracerProvider, BatchSpanProcessor } = await loadPackage(
    '@opentelemetry/sdk-trace-base',
    () => import('@opentelemetry/sdk-trace-base'),
  )
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = await loadPackage(
    '@opentelemetry/resources',
    () => import('@opentelemetry/resources'),
  )
  // `OTEL_SERVICE_NAME` wins over the name that is given here.
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'dagstream' }))
    .merge(detectResources({ detectors: [envDetector] }))
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] })
  const warn = (message: string): void => onProblem(cutText(message, MAX_PROBLEM))
  const ignore = (): void => {}
  const logger = { error: warn, warn, info: ignore, debug: ignore, verbose: ignore }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  trace.setGlobalTracerProvider(provider)
  return {
    async close() {
      trace.disable()
      try {
        await provider.shutdown()
      } finally {
        diag.disable()
      }
    },
  }
}

async function createExporter(env: OtelEnvironment): Promise<SpanExporter> {
  const name = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
  const protocol = env[name] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf'
  if (protocol === 'http/protobuf') {
    const load = () => import('@opentelemetry/exporter-trace-otlp-proto')
    const { OTLPTraceExporter } = await loadPackage(EXPORTERS[protocol], load)
    return new OTLPTraceExporter()
  }
  if (protocol === 'http/json') {
    const load = () => import('@opentelemetry/exporter-trace-otlp-http')
    const { OTLPTraceExporter } = await loadPackage(EXPORTERS[protocol], load)
    return new OTLPTraceExporter()
  }
  throw unsupported(name, Object.keys(EXPORTERS).join(' or '), protocol)
}

/** @throws `MISSING_PACKAGE` */
function loadPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  return loadOptional('Traces', name, INSTALL, load)
}

function unsupported(variable: string, expected: string, found: string): DagstreamError {
  const message = `Expected ${variable} to be ${expected}, got ${describeValue(found)}`
  return new DagstreamError('INVALID_OPTION', message, { details: { option: variable, expected } })
}
