import { describeMending, type RefusalMemory, type RefusedFields, selectMendable } from './adjustments.ts'
import { type CompletionCall, type CompletionEnd, streamCompletion } from './completion-stream.ts'
import { findRefusedFields } from './refused-fields.ts'

/** How often one call is sent again: endpoints name one field at a time. Each field is refused once at most. */
const MAX_MENDINGS = 4

/** Fields that no caller has asked for. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['stream_options', 'usage'])

/** A call and the fields of its body. */
export interface WrittenCall extends CompletionCall {
  readonly fields: readonly string[]
  /** Fields that are missing or renamed because they were refused before. */
  readonly changed: readonly string[]
}

/** How refused fields are remembered and told. */
export interface Mending {
  readonly memory: RefusalMemory
  readonly model: string
  /** Writes the call without these fields. */
  readonly write: (refused: RefusedFields) => WrittenCall
  readonly tell: (message: string) => void
}

/**
 * Streams a call; if the endpoint refuses it (400, 422) and names fields, again without these. What an accepted request had to
 * do without is remembered for its model.
 * @param first written with what is remembered
 */
export async function* streamMended(
  first: WrittenCall,
  { memory, model, write, tell }: Mending,
): AsyncGenerator<readonly string[], CompletionEnd, undefined> {
  let refused = memory.recall(model)
  const changed = first.changed.filter(name => !OWN_FIELDS.has(name))
  if (changed.length > 0) tell(`Asked ${describeMending(changed)}, which \`${model}\` has refused before`)
  let call = first
  for (let left = MAX_MENDINGS; ; left--) {
    const end = yield* streamCompletion(call)
    if (end.failure === undefined && refused !== memory.recall(model)) memory.remember(model, refused)
    const named = end.refusal === undefined || left === 0 ? [] : findRefusedFields(end.refusal, call.fields)
    const mendable = selectMendable(named, refused)
    if (mendable.length === 0) return end
    refused = new Set([...refused, ...mendable])
    tell(`The endpoint refused a part of the request: asked again ${describeMending(mendable)}`)
    call.meter.restart()
    call = write(refused)
  }
}
