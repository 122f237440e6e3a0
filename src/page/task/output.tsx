/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { OutputReference } from '../../events/events.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { describeFailure } from '../api/failure.ts'
import { request } from '../api/server.ts'
import { formatBytes } from '../shell/format.ts'
import { showFailure } from '../shell/notices.tsx'
import { indentJson } from './indent-json.ts'
import { JsonText } from './json-text.tsx'

interface OutputProps {
  readonly of: OutputReference & { readonly output?: unknown }
  readonly isOffline: boolean
}

/** An output: the value, or its beginning with the whole text on demand. */
export function Output({
  of: { output, outputBytes, outputPreview, outputPath },
  isOffline,
}: OutputProps): JSX.Element {
  const whole = useSignal<string | undefined>(undefined)
  useEffect(() => {
    whole.value = undefined
  }, [outputPath])
  if (outputPath === undefined) return <JsonText label="Output" text={indentJson(stringifyJson(output ?? null))} />
  if (whole.value !== undefined) return <JsonText label="Output" text={whole.value} />
  const load = async (): Promise<void> => {
    try {
      whole.value = indentJson((await request(outputPath.slice(1))).trim())
      showFailure(undefined)
    } catch (error) {
      showFailure(describeFailure(error))
    }
  }
  return (
    <>
      <JsonText label="Beginning of the output" text={`${outputPreview ?? ''}…`} />
      {!isOffline && (
        <button type="button" onClick={() => void load()}>
          Load the whole output, {formatBytes(outputBytes ?? 0)}
        </button>
      )}
    </>
  )
}
