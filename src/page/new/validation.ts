import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { findJsonError } from '../../json/json-error.ts'
import { describeFailure } from '../api/failure.ts'
import { requestJson } from '../api/server.ts'

/** A problem of a document, at its place. */
export interface DocumentIssue {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly in?: string
  /** From 1. */
  readonly line?: number
  readonly column?: number
}

/** What is known of a text. */
export interface Validation {
  readonly status: 'empty' | 'checking' | 'valid' | 'invalid' | 'failed'
  readonly issues: readonly DocumentIssue[]
  readonly issueCount: number
}

/** Time without a change after which a text is checked, ms. */
const PAUSE_MS = 250

const EMPTY: Validation = { status: 'empty', issues: [], issueCount: 0 }

/** Checks a document whenever it changes: its JSON at once, the rest by the server after a pause. */
export function useValidation(text: string): Signal<Validation> {
  const validation = useSignal(EMPTY)
  useEffect(() => {
    if (text.trim() === '') {
      validation.value = EMPTY
      return undefined
    }
    const fault = findJsonError(text)
    if (fault !== undefined) {
      const issue = { code: 'JSON', message: 'Not JSON from here on', line: fault.line, column: fault.column }
      validation.value = { status: 'invalid', issues: [issue], issueCount: 1 }
      return undefined
    }
    validation.value = { ...validation.peek(), status: 'checking' }
    const abort = new AbortController()
    const timer = setTimeout(() => void check(text, abort.signal, validation), PAUSE_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text])
  return validation
}

async function check(body: string, signal: AbortSignal, validation: Signal<Validation>): Promise<void> {
  try {
    const found = await requestJson<{ valid: boolean; issues: readonly DocumentIssue[]; issueCount: number }>(
      'workflows/validate',
      { method: 'POST', body, signal },
    )
    const { valid, issues, issueCount } = found
    validation.value = { status: valid ? 'valid' : 'invalid', issues, issueCount }
  } catch (error) {
    if (signal.aborted) return
    validation.value = {
      status: 'failed',
      issues: [{ code: 'REQUEST', message: describeFailure(error) }],
      issueCount: 1,
    }
  }
}
