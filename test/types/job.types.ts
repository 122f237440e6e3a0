// Checked by the compiler alone: `npm run typecheck`.
import type { TokenUsage as CoreTokenUsage } from '../../src/index.ts'
import type { Format } from '../../src/sse/formats.ts'
import { SSE_EVENTS, type SSEEvent, type SSEEventType, toJobFrames, type TokenUsage } from '../../src/sse/job.ts'
import type { Equal, Expect } from './equal.ts'

/** The constants are the union, no more and no less. */
export type ConstantsAreTheUnion = Expect<Equal<(typeof SSE_EVENTS)[keyof typeof SSE_EVENTS], SSEEventType>>
export type NamesAreInCapitals = Expect<Equal<keyof typeof SSE_EVENTS, Uppercase<SSEEventType>>>
export type ThereAreTwelve = Expect<
  Equal<
    SSEEventType,
    | 'start'
    | 'progress'
    | 'tool_use'
    | 'completion'
    | 'stream_end'
    | 'error'
    | 'log'
    | 'question'
    | 'question_ask'
    | 'warning'
    | 'information'
    | 'token_usage'
  >
>
export type UsageIsTheSame = Expect<Equal<TokenUsage, CoreTokenUsage>>

/** What every member has can be read without looking at its type. */
export type EveryMemberHasThem = Expect<
  Equal<
    Pick<SSEEvent, 'type' | 'jobId' | 'timestamp' | 'message' | 'tokenUsage'>,
    {
      readonly type: SSEEventType
      readonly jobId: string
      readonly timestamp: string
      readonly message?: string
      readonly tokenUsage?: TokenUsage
    }
  >
>

export function read(event: SSEEvent): string {
  if (event.type === SSE_EVENTS.TOOL_USE) return event.tool ?? ''
  // @ts-expect-error -- `tool` belongs to some alone
  void event.tool
  return `${event.message ?? ''} ${event.tokenUsage?.totalTokensIn ?? 0}`
}

toJobFrames satisfies Format

// @ts-expect-error -- there is no such type
export const unknownType: SSEEventType = 'done'

// @ts-expect-error -- every event has a job
export const incomplete: SSEEvent = { type: 'log', timestamp: '' }
