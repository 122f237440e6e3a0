import type * as OtelApi from '@opentelemetry/api'
import { loadOptional } from '../optional-package.ts'

/** The parts of `@opentelemetry/api` that are used. */
export type TraceApi = Pick<
  typeof OtelApi,
  'context' | 'trace' | 'diag' | 'DiagLogLevel' | 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode'
>

/** @throws `MISSING_PACKAGE` */
export function loadTraceApi(): Promise<TraceApi> {
  return loadOptional('Traces', '@opentelemetry/api', '@opentelemetry/api@1', () => import('@opentelemetry/api'))
}
