/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { listOpenInputs } from '../../events/inputs.ts'
import type { ExecutionContext } from '../execution/execution-context.ts'
import { announce } from '../shell/notices.tsx'
import { QuestionCard } from './question-card.tsx'

/** Questions that are shown at once; the others follow. */
const SHOWN = 5

/** The open questions of an execution. */
export function Questions({ context: { model } }: { readonly context: ExecutionContext }): JSX.Element | null {
  void model.version.value
  const { state } = model.live
  const isOver = state.status !== 'running'
  const open = isOver || model.place.value !== undefined ? [] : listOpenInputs(state.inputs)
  useEffect(() => {
    if (open.length > 0)
      announce(`${open.length === 1 ? 'A question waits' : `${open.length} questions wait`} for an answer`)
  }, [open.length])
  if (open.length === 0) return null
  return (
    <section class="questions" aria-label="Open questions">
      {open.slice(0, SHOWN).map(question => (
        <QuestionCard key={question.inputId} executionId={model.executionId} question={question} />
      ))}
      {open.length > SHOWN && <p class="dim">and {open.length - SHOWN} more</p>}
    </section>
  )
}
