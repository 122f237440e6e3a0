import type { ExecutionObserver } from '../../engine/observers/execution-observer.ts'
import { describeError } from '../../log/describe-error.ts'
import type { ServerLog } from './server-log.ts'

/** The export of traces by one process. */
export interface OpenedTraces {
  readonly observers: readonly ExecutionObserver[]
  /** Sends what is left, within the export timeout of the environment. Never rejects. */
  readonly close: () => Promise<void>
}

/**
 * Starts OpenTelemetry's SDK by the `OTEL_*` variables. Its packages are loaded only here.
 * @throws `MISSING_PACKAGE`; `INVALID_OPTION` for a variable whose value is not supported
 */
export async function openTraces(
  env: Readonly<Record<string, string | undefined>>,
  log: ServerLog,
): Promise<OpenedTraces> {
  const [{ startOtelSdk }, { createOtelObserver }] = await Promise.all([
    import('../../otel/start-sdk.ts'),
    import('../../otel/otel-observer.ts'),
  ])
  const sdk = await startOtelSdk(env, message => log.warn('OpenTelemetry', { message }))
  if (sdk === undefined) {
    log.info('Traces are off: OTEL_SDK_DISABLED is true, or OTEL_TRACES_EXPORTER none')
    return { observers: [], close: async () => {} }
  }
  return {
    observers: [await createOtelObserver()],
    async close() {
      try {
        await sdk.close()
      } catch (error) {
        log.warn('The last traces could not be sent', { error: describeError(error) })
      }
    },
  }
}
