/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import type { JSX } from 'preact'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import {
  type FieldKind,
  type FormSchema,
  initialValue,
  kindOf,
  listChoices,
  resolveSchema,
  withMember,
} from './form-value.ts'

/** A problem of a value, at its place in the value. */
export interface FieldIssue {
  readonly pointer: string
  readonly message: string
}

export interface FieldProps {
  readonly schema: FormSchema
  readonly root: FormSchema
  readonly name: string
  readonly pointer: string
  readonly value: unknown
  readonly isRequired: boolean
  readonly isSecret?: boolean
  readonly depth?: number
  readonly issues: readonly FieldIssue[]
  /** `undefined` removes the value. */
  readonly onChange: (value: unknown) => void
}

/** A field for a value of a schema, with its title, its description and its problems. */
export function SchemaField(props: FieldProps): JSX.Element {
  const { root, name, pointer, isRequired, depth = 0, issues, value, onChange } = props
  const schema = resolveSchema(props.schema, root)
  const id = useId()
  const kind = kindOf(schema, depth)
  const { title, description } = schema
  const label = typeof title === 'string' ? title : name
  const own = issues.filter(issue => issue.pointer === pointer)
  const told = own.map(({ message }) => message).join('; ')
  const hint = typeof description === 'string' ? description : ''
  const described = `${hint === '' ? '' : `${id}-hint`} ${told === '' ? '' : `${id}-told`}`.trim()
  const notes = (
    <>
      {hint !== '' && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {told !== '' && (
        <span class="field-error" id={`${id}-told`}>
          {told}
        </span>
      )}
    </>
  )
  if (kind === 'object') {
    const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
    return (
      <fieldset>
        {label !== '' && <legend>{label}</legend>}
        {notes}
        {Object.entries(schema['properties'] as Record<string, unknown>).map(([key, each]) => (
          <SchemaField
            key={key}
            {...props}
            schema={each as FormSchema}
            name={key}
            pointer={`${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`}
            value={isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined}
            isRequired={required.includes(key)}
            depth={depth + 1}
            onChange={member => onChange(withMember(value, key, member))}
          />
        ))}
      </fieldset>
    )
  }
  return (
    <div class={`field field-${kind}`}>
      <label for={id}>
        {label === '' ? 'Answer' : label}
        {isRequired && <span class="dim"> required</span>}
      </label>
      <Control {...props} schema={schema} kind={kind} id={id} described={described} isInvalid={told !== ''} />
      {notes}
    </div>
  )
}

interface ControlProps extends FieldProps {
  readonly kind: FieldKind
  readonly id: string
  readonly described: string
  readonly isInvalid: boolean
}

function Control(props: ControlProps): JSX.Element {
  const { schema, kind, id, described, isInvalid, value, isRequired, isSecret, onChange } = props
  const shared = { id, 'aria-describedby': described || undefined, 'aria-invalid': isInvalid || undefined }
  if (kind === 'choice') {
    const choices = listChoices(schema) ?? []
    const at = choices.findIndex(
      each => stringifyJson(each.value) === stringifyJson(value ?? null) && value !== undefined,
    )
    return (
      <select {...shared} value={at} onChange={event => onChange(choices[Number(event.currentTarget.value)]?.value)}>
        <option value={-1}>{isRequired ? 'choose…' : ''}</option>
        {choices.map(({ name }, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
    )
  }
  if (kind === 'boolean') {
    return (
      <input
        {...shared}
        type="checkbox"
        checked={value === true}
        onChange={event => onChange(event.currentTarget.checked)}
      />
    )
  }
  if (kind === 'text' || kind === 'long') {
    const text = typeof value === 'string' ? value : ''
    const take = (entered: string): void => onChange(entered === '' && !isRequired ? undefined : entered)
    if (kind === 'long' && !isSecret) {
      return <textarea {...shared} rows={2} value={text} onInput={event => take(event.currentTarget.value)} />
    }
    const type = isSecret ? 'password' : schema['format'] === 'date' ? 'date' : 'text'
    return (
      <input
        {...shared}
        type={oneOf(type)}
        autocomplete="off"
        value={text}
        onInput={event => take(event.currentTarget.value)}
      />
    )
  }
  return <JsonControl {...props} shared={shared} />
}

/** A number or any JSON, as text: digits are kept as they are entered. */
function JsonControl({
  kind,
  schema,
  root,
  isSecret,
  value,
  onChange,
  shared,
}: ControlProps & { readonly shared: object }): JSX.Element {
  const initial = value === undefined ? initialValue(schema, root, false) : value
  const text = useSignal(initial === undefined ? '' : stringifyJson(initial))
  const isWrong = useSignal(false)
  const take = (entered: string): void => {
    text.value = entered
    if (entered.trim() === '') {
      isWrong.value = false
      return onChange(undefined)
    }
    try {
      onChange(parseJson(entered))
      isWrong.value = false
    } catch {
      // The server would refuse it as well; the text is passed on as it is, so that it says so.
      isWrong.value = true
      onChange(entered)
    }
  }
  const isNumber = kind === 'number'
  return (
    <>
      {isNumber || isSecret ? (
        <input
          {...shared}
          type={oneOf(isSecret ? 'password' : 'text')}
          inputMode={isNumber ? 'decimal' : undefined}
          autocomplete="off"
          value={text.value}
          onInput={event => take(event.currentTarget.value)}
        />
      ) : (
        <textarea
          {...shared}
          rows={2}
          class="mono"
          spellcheck={false}
          placeholder="JSON"
          value={text.value}
          onInput={event => take(event.currentTarget.value)}
        />
      )}
      {isWrong.value && <span class="field-error">{isNumber ? 'Not a number' : 'Not JSON yet'}</span>}
    </>
  )
}

/** The types of elements tell the kinds of input apart by constants: a choice of several fits none. */
function oneOf(type: 'text' | 'password' | 'date'): 'text' {
  return type as 'text'
}
