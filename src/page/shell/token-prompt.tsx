/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { setToken, token } from '../api/token.ts'

/** Asks for the server's token. */
export function TokenPrompt(): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  const submit = (event: Event): void => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ''
    if (text !== '') setToken(text)
  }
  return (
    <main class="prompt">
      <form onSubmit={submit}>
        <h1>This server asks for a token</h1>
        {token.value !== undefined && <p class="error">The token was refused.</p>}
        <label>
          Token
          <input ref={field} type="password" autocomplete="off" spellcheck={false} required autofocus />
        </label>
        <button type="submit" class="primary">
          Continue
        </button>
        <p class="dim">It is kept in this tab until it is closed, and never stands in an address.</p>
      </form>
    </main>
  )
}
