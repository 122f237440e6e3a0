/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { InputQuestion } from '../../events/events.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { describeFailure, readIssues } from '../api/failure.ts'
import { request } from '../api/server.ts'
import { formatMoment } from '../shell/format.ts'
import { StatusIcon } from '../shell/status.tsx'
import { initialValue } from './form-value.ts'
import { type FieldIssue, SchemaField } from './schema-field.tsx'

interface CardProps {
  readonly executionId: string
  readonly question: InputQuestion
}

/** A question with a form made of its schema. It stays until the log has its answer. */
export function QuestionCard({ executionId, question }: CardProps): JSX.Element {
  const { inputId, taskId, message, responseSchema = {}, expiresAt, kind, secret, item } = question
  const value = useSignal(initialValue(responseSchema, responseSchema, true))
  const issues = useSignal<readonly FieldIssue[]>([])
  const failure = useSignal('')
  const isSending = useSignal(false)
  const send = async (answer: object): Promise<void> => {
    isSending.value = true
    try {
      const path = `executions/${executionId}/inputs/${encodeURIComponent(inputId)}`
      await request(path, { method: 'POST', body: stringifyJson(answer) })
      issues.value = []
      failure.value = ''
    } catch (error) {
      issues.value = readIssues(error)
      failure.value = describeFailure(error)
      isSending.value = false
    }
  }
  const isApproval = kind === 'approval'
  const submit = (event: Event): void => {
    event.preventDefault()
    void send({ response: isApproval ? true : (value.peek() ?? null) })
  }
  return (
    <form class="question" onSubmit={submit}>
      <p class="asked">
        <StatusIcon status="waiting" />
        <strong>{message}</strong>
        <code>{taskId}</code>
        {expiresAt !== undefined && <span class="dim">until {formatMoment(Date.parse(expiresAt))}</span>}
        {item !== undefined && <span class="dim">for {stringifyJson(item)}</span>}
      </p>
      {!isApproval && (
        <SchemaField
          schema={responseSchema}
          root={responseSchema}
          name=""
          pointer=""
          value={value.value}
          isRequired
          isSecret={secret === true}
          issues={issues.value}
          onChange={next => (value.value = next)}
        />
      )}
      {failure.value !== '' && <p class="field-error">{failure.value}</p>}
      <div class="buttons">
        <button type="submit" class="primary" disabled={isSending.value}>
          {isApproval ? 'Approve' : 'Answer'}
        </button>
        <button type="button" disabled={isSending.value} onClick={() => void send({ decline: true })}>
          Decline
        </button>
      </div>
    </form>
  )
}
