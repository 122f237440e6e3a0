import type { PlanIssue } from '../events/events.ts'

/** A line of a plan that is not blank, as another server has read it: its text, or why it is refused. */
export type ForwardedLine =
  | { readonly line: number; readonly json: string }
  /** `isLast`: the plan cannot be read any further. */
  | { readonly line: number; readonly issues: readonly PlanIssue[]; readonly isLast?: true }

/** What a planner at another server does. */
export type PlannerStep =
  /** It wants to write. `line`: the number of lines that it takes for accepted. */
  | { readonly kind: 'open'; readonly line?: number }
  /** It goes on writing, or only shows that it is still there. */
  | {
      readonly kind: 'write'
      /** The number of lines that were accepted before. */
      readonly after: number
      /** Without those up to the last accepted one: a line that comes again changes nothing. */
      readonly lines: readonly ForwardedLine[]
      /** Time for which it has been waited for, ms. */
      readonly silentMs: number
      /** Its plan is complete behind these lines, or has broken off. */
      readonly end?: 'complete' | 'broken'
      /** Why it has broken off. */
      readonly why?: string
    }

/** The reply to a step, in the same commit as what follows from the step. */
export type PlannerReply =
  | {
      readonly kind: 'opened'
      /** The number of accepted lines. */
      readonly line: number
      /** The size of the accepted tasks, bytes. */
      readonly bytes: number
    }
  | {
      readonly kind: 'written'
      readonly line: number
      /** It takes no more lines: it is complete, one was refused, or the execution ends. */
      readonly end?: 'sealed' | 'rejected' | 'ended'
    }
  /** This coordinator has not let the planner in, or has let it go. Nothing of the step took effect. */
  | { readonly kind: 'unknown' }
