/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { MessageTrace } from '../model/trace.ts'
import { formatMoment } from '../shell/format.ts'

/** Distance from the end within which the text keeps to its end, px. */
const NEAR_END = 40

/** Text as it streams: the end stays in view, unless a person has scrolled away from it. */
export function StreamedText({ text, isCut }: { readonly text: string; readonly isCut: boolean }): JSX.Element {
  const box = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight
  }, [text])
  const onScroll = (): void => {
    const element = box.current as HTMLPreElement
    isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END
  }
  return (
    <section>
      <h3>Streamed text</h3>
      {isCut && <p class="dim">The beginning is not kept.</p>}
      <pre ref={box} class="streamed" tabIndex={0} role="group" aria-label="Streamed text" onScroll={onScroll}>
        {text}
      </pre>
    </section>
  )
}

/** The log messages of a task. */
export function Messages({ messages }: { readonly messages: readonly MessageTrace[] }): JSX.Element {
  return (
    <section>
      <h3>Log</h3>
      <ul class="messages">
        {messages.map(({ at, level, message }, index) => (
          <li key={index} class={level}>
            <span class="dim">{formatMoment(at).slice(11)}</span> <span class="level">{level}</span> {message}
          </li>
        ))}
      </ul>
    </section>
  )
}
