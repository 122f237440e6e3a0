import { type Signal, signal } from '@preact/signals'

const KEY = 'dagstream-token'

/** The server's token: kept in this tab alone, and sent as a header alone. */
export const token: Signal<string | undefined> = signal(sessionStorage.getItem(KEY) ?? undefined)

/** Whether the server has refused a request for the lack of a token, or a wrong one. */
export const isTokenAsked: Signal<boolean> = signal(false)

export function setToken(text: string): void {
  sessionStorage.setItem(KEY, text)
  token.value = text
  isTokenAsked.value = false
}

export function authorization(): Record<string, string> {
  const known = token.peek()
  return known === undefined ? {} : { Authorization: `Bearer ${known}` }
}
