// Node's `util`: what of it needs no I/O. `inspect` writes what Node 20 writes.
'use strict';

const types = require('./types.js');
const custom = Symbol.for('nodejs.util.inspect.custom');
const promisified = Symbol.for('nodejs.util.promisify.custom');

const coded = (error, code) => {
  Object.defineProperty(error, 'code', { value: code, enumerable: true, writable: true, configurable: true });
  return error;
};
const wrongArgument = (name, expected, value) =>
  coded(new TypeError(`The "${name}" argument must be ${expected}. Received ${received(value)}`), 'ERR_INVALID_ARG_TYPE');
const received = value => {
  if (value == null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return value.constructor?.name ? `an instance of ${value.constructor.name}` : inspect(value, { depth: -1 });
  const text = inspect(value);
  return `type ${typeof value} (${text.length > 28 ? text.slice(0, 25) + '...' : text})`;
};

// MARK: inspect

const defaultOptions = {
  showHidden: false, depth: 2, colors: false, customInspect: true, showProxy: false, maxArrayLength: 100, maxStringLength: 10000,
  breakLength: 128, compact: 3, sorted: false, getters: false, numericSeparator: false,
};

const styles = {
  special: 'cyan', number: 'yellow', bigint: 'yellow', boolean: 'yellow', undefined: 'grey', null: 'bold', string: 'green', symbol: 'green',
  date: 'magenta', regexp: 'red', module: 'underline',
};
const colors = {
  reset: [0, 0], bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], blink: [5, 25], inverse: [7, 27], hidden: [8, 28],
  strikethrough: [9, 29], black: [30, 39], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39],
  white: [37, 39], gray: [90, 39], grey: [90, 39],
};

function inspect(value, options) {
  const context = { budget: {}, indentation: 0, seen: [], currentDepth: 0, stylize: text => text, ...inspect.defaultOptions, breakLength: 80 };
  if (arguments.length > 2) {
    if (arguments[2] !== undefined) context.depth = arguments[2];
    if (arguments.length > 3 && arguments[3] !== undefined) context.colors = arguments[3];
  }
  if (typeof options === 'boolean') context.showHidden = options;
  else if (options) for (const key of Object.keys(options)) if (key in defaultOptions || key === 'stylize') context[key] = options[key];
  if (context.colors) {
    context.stylize = (text, style) => {
      const color = colors[styles[style]];
      return color === undefined ? text : `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
    };
  }
  if (context.maxArrayLength === null) context.maxArrayLength = Infinity;
  if (context.maxStringLength === null) context.maxStringLength = Infinity;
  return formatValue(context, value, 0);
}
inspect.custom = custom;
inspect.defaultOptions = { ...defaultOptions };
inspect.styles = styles;
inspect.colors = colors;

const escapes = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\', '\v': '\\x0B' };
const quote = text => {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') && !text.includes('${') ? '`' : "'";
  const escaped = text.replace(/[\0-\x1f\x7f-\x9f\\']|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, character => {
    if (character === "'") return mark === "'" ? "\\'" : character;
    const code = character.charCodeAt(0);
    return escapes[character] ?? (code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`);
  });
  return mark + escaped + mark;
};

const isIdentifier = name => /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(name);

const formatNumber = number => Object.is(number, -0) ? '-0' : `${number}`;

function formatPrimitive(context, value) {
  switch (typeof value) {
    case 'string': {
      let trailer = '';
      if (value.length > context.maxStringLength) {
        const remaining = value.length - context.maxStringLength;
        value = value.slice(0, context.maxStringLength);
        trailer = `... ${remaining} more character${remaining > 1 ? 's' : ''}`;
      }
      // A long text on several lines is shown on as many.
      if (context.compact !== true && value.length > 16 && value.length > context.breakLength - context.indentation - 4) {
        return value.split(/(?<=\n)/).map(line => context.stylize(quote(line), 'string')).join(` +\n${' '.repeat(context.indentation + 2)}`) + trailer;
      }
      return context.stylize(quote(value), 'string') + trailer;
    }
    case 'number': return context.stylize(formatNumber(value), 'number');
    case 'bigint': return context.stylize(`${value}n`, 'bigint');
    case 'symbol': return context.stylize(value.toString(), 'symbol');
    case 'boolean': return context.stylize(`${value}`, 'boolean');
    case 'undefined': return context.stylize('undefined', 'undefined');
    default: return context.stylize('null', 'null');
  }
}

function formatValue(context, value, depth) {
  if (typeof value !== 'object' && typeof value !== 'function' || value === null) return formatPrimitive(context, value);
  if (context.customInspect) {
    const own = value[custom];
    if (typeof own === 'function' && own !== inspect && !(value.constructor?.prototype === value)) {
      const left = context.depth === null ? null : context.depth - depth;
      const options = {};
      for (const key of Object.keys(defaultOptions)) options[key] = context[key];
      const result = own.call(value, left, { ...options, stylize: context.stylize, depth: left }, inspect);
      if (result !== value) return typeof result === 'object' && result !== null ? formatValue(context, result, depth) : typeof result === 'string' ? result.replaceAll('\n', `\n${' '.repeat(context.indentation)}`) : `${result}`;
    }
  }
  if (context.seen.includes(value)) {
    context.circular ??= new Map;
    if (!context.circular.has(value)) context.circular.set(value, context.circular.size + 1);
    return context.stylize(`[Circular *${context.circular.get(value)}]`, 'special');
  }
  return formatRaw(context, value, depth);
}

const constructorName = value => {
  for (let object = value; object !== null; object = Object.getPrototypeOf(object)) {
    const found = Object.getOwnPropertyDescriptor(object, 'constructor');
    if (found !== undefined && typeof found.value === 'function' && found.value.name !== '' && value instanceof found.value) return found.value.name;
  }
  return null;
};

const prefix = (name, tag, fallback, size = '') => {
  if (name === null) return tag !== '' && fallback !== tag ? `[${fallback}${size}: null prototype] [${tag}] ` : `[${fallback}${size}: null prototype] `;
  return tag !== '' && name !== tag ? `${name}${size} [${tag}] ` : `${name}${size} `;
};

const isIndex = key => /^(0|[1-9][0-9]{0,9})$/.test(key) && +key < 4294967295;

const isEnumerable = (value, key) => Object.prototype.propertyIsEnumerable.call(value, key);

function keysOf(value, showHidden, isList) {
  let keys = showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value);
  if (isList) keys = keys.filter(key => !isIndex(key));
  const symbols = Object.getOwnPropertySymbols(value);
  return keys.concat(showHidden ? symbols : symbols.filter(key => isEnumerable(value, key)));
}

function formatRaw(context, value, depth) {
  const name = constructorName(value);
  let tag = value[Symbol.toStringTag];
  if (typeof tag !== 'string' || tag === '' || tag === name || (context.showHidden ? Object.hasOwn(value, Symbol.toStringTag) : isEnumerable(value, Symbol.toStringTag))) tag = '';
  let base = '', braces = ['{', '}'], isList = false, entries = () => [];
  let keys;
  const listKeys = list => { isList = list; keys = keysOf(value, context.showHidden, list); };

  if (Array.isArray(value)) {
    listKeys(true);
    const start = name !== 'Array' || tag !== '' ? prefix(name, tag, 'Array', `(${value.length})`) : '';
    braces = [`${start}[`, ']'];
    if (value.length === 0 && keys.length === 0) return `${braces[0]}]`;
    entries = () => formatArray(context, value, depth);
  } else if (types.isSet(value)) {
    listKeys(false);
    const start = prefix(name, tag, 'Set', `(${value.size})`);
    if (value.size === 0 && keys.length === 0) return `${start}{}`;
    braces = [`${start}{`, '}'];
    entries = () => {
      context.indentation += 2;
      const output = [];
      for (const item of Set.prototype.values.call(value)) {
        if (output.length >= context.maxArrayLength) { output.push(more(value.size - output.length)); break; }
        output.push(formatValue(context, item, depth));
      }
      context.indentation -= 2;
      return output;
    };
  } else if (types.isMap(value)) {
    listKeys(false);
    const start = prefix(name, tag, 'Map', `(${value.size})`);
    if (value.size === 0 && keys.length === 0) return `${start}{}`;
    braces = [`${start}{`, '}'];
    entries = () => {
      context.indentation += 2;
      const output = [];
      for (const [key, item] of Map.prototype.entries.call(value)) {
        if (output.length >= context.maxArrayLength) { output.push(more(value.size - output.length)); break; }
        output.push(`${formatValue(context, key, depth)} => ${formatValue(context, item, depth)}`);
      }
      context.indentation -= 2;
      return output;
    };
  } else if (types.isTypedArray(value)) {
    listKeys(true);
    braces = [`${prefix(name, tag, types.nameOfTypedArray(value), `(${value.length})`)}[`, ']'];
    if (value.length === 0 && keys.length === 0) return `${braces[0]}]`;
    entries = () => {
      const output = [];
      const count = Math.min(Math.max(0, context.maxArrayLength), value.length);
      for (let i = 0; i < count; i++) output.push(context.stylize(typeof value[i] === 'bigint' ? `${value[i]}n` : formatNumber(value[i]), typeof value[i]));
      if (value.length > count) output.push(more(value.length - count));
      return output;
    };
  } else if (types.isMapIterator(value) || types.isSetIterator(value)) {
    listKeys(false);
    braces = [`[${types.isMapIterator(value) ? 'Map' : 'Set'} Iterator] {`, '}'];
    tag = '';
    // It cannot be looked into without moving it.
    entries = () => [];
  } else {
    listKeys(false);
    if (types.isArgumentsObject(value)) {
      braces[0] = '[Arguments] {';
      if (keys.length === 0) return '[Arguments] {}';
    } else if (typeof value === 'function') {
      base = functionBase(value, name, tag);
      if (keys.length === 0) return context.stylize(base, 'special');
    } else if (types.isRegExp(value)) {
      base = RegExp.prototype.toString.call(value);
      const start = prefix(name, tag, 'RegExp');
      if (start !== 'RegExp ') base = `${start}${base}`;
      if (keys.length === 0 || depth > context.depth && context.depth !== null) return context.stylize(base, 'regexp');
    } else if (types.isDate(value)) {
      base = Number.isNaN(value.getTime()) ? Date.prototype.toString.call(value) : Date.prototype.toISOString.call(value);
      const start = prefix(name, tag, 'Date');
      if (start !== 'Date ') base = `${start}${base}`;
      if (keys.length === 0) return context.stylize(base, 'date');
    } else if (types.isNativeError(value)) {
      base = formatError(context, value, name, keys);
      if (keys.length === 0) return base;
    } else if (types.isAnyArrayBuffer(value)) {
      braces[0] = `${prefix(name, tag, 'ArrayBuffer')}{`;
      entries = () => {
        const bytes = new Uint8Array(value), count = Math.min(Math.max(0, context.maxArrayLength), bytes.length);
        let text = '';
        for (let i = 0; i < count; i++) text += `${i ? ' ' : ''}${bytes[i].toString(16).padStart(2, '0')}`;
        if (bytes.length > count) text += ` ... ${bytes.length - count} more byte${bytes.length - count > 1 ? 's' : ''}`;
        return [`${context.stylize('[Uint8Contents]', 'special')}: <${text}>`, `byteLength: ${context.stylize(`${bytes.length}`, 'number')}`];
      };
    } else if (types.isDataView(value)) {
      braces[0] = `${prefix(name, tag, 'DataView')}{`;
      entries = () => ['byteLength', 'byteOffset', 'buffer'].map(key => {
        context.indentation += 2;
        const text = formatValue(context, value[key], depth);
        context.indentation -= 2;
        return `${key}: ${text}`;
      });
    } else if (types.isPromise(value)) {
      braces[0] = `${prefix(name, tag, 'Promise')}{`;
      // Whether it is settled cannot be asked at once.
      entries = () => [context.stylize('<pending>', 'special')];
    } else if (types.isWeakSet(value) || types.isWeakMap(value)) {
      braces[0] = `${prefix(name, tag, types.isWeakSet(value) ? 'WeakSet' : 'WeakMap')}{`;
      entries = () => [context.stylize('<items unknown>', 'special')];
    } else if (types.isBoxedPrimitive(value)) {
      const kind = types.kindOfBox(value), inner = value.valueOf();
      if (kind === 'String') keys = keys.filter(key => !isIndex(String(key)));
      base = `[${kind}${name !== kind ? name === null ? ' (null prototype)' : ` (${name})` : ''}: ${formatPrimitive({ ...context, stylize: text => text }, inner)}]`;
      if (keys.length === 0) return context.stylize(base, typeof inner);
    } else {
      if (name === 'Object' && tag === '') {
        if (keys.length === 0) return '{}';
      } else {
        braces[0] = `${prefix(name, tag, 'Object')}{`;
        if (keys.length === 0) return `${braces[0]}}`;
      }
    }
  }
  if (context.depth !== null && depth > context.depth) {
    const label = prefix(name, tag, Array.isArray(value) ? 'Array' : 'Object').slice(0, -1);
    return context.stylize(`[${name === null ? label.replace(/^\[(.*)\]$/, '$1') : label}]`, 'special');
  }
  depth++;
  context.seen.push(value);
  context.currentDepth = depth;
  // They see that it is one deeper now.
  const output = entries();
  for (const key of keys) output.push(formatProperty(context, value, depth, key, isList));
  context.seen.pop();
  if (context.circular !== undefined) {
    const index = context.circular.get(value);
    if (index !== undefined) {
      const reference = context.stylize(`<ref *${index}>`, 'special');
      if (context.compact !== true) base = base === '' ? reference : `${reference} ${base}`;
      else braces[0] = `${reference} ${braces[0]}`;
    }
  }
  if (context.sorted) {
    const order = context.sorted === true ? undefined : context.sorted;
    if (!isList) output.sort(order);
    else if (keys.length > 1) output.splice(output.length - keys.length, keys.length, ...output.slice(output.length - keys.length).sort(order));
  }
  const text = join(context, output, base, braces, isList, depth, value);
  // As Node does, before a text becomes longer than a text may be.
  context.budget[context.indentation] = (context.budget[context.indentation] ?? 0) + text.length;
  if (context.budget[context.indentation] > 2 ** 27) context.depth = -1;
  return text;
}

const more = count => `... ${count} more item${count > 1 ? 's' : ''}`;

function formatArray(context, value, depth) {
  const output = [], count = Math.min(Math.max(0, context.maxArrayLength), value.length);
  for (let i = 0; i < value.length && output.length < count; i++) {
    if (Object.hasOwn(value, i)) {
      output.push(formatProperty(context, value, depth, `${i}`, true, true));
      continue;
    }
    const keys = Object.keys(value);
    const next = keys.map(Number).find(key => key >= i);
    const end = next === undefined || Number.isNaN(next) ? value.length : next;
    output.push(context.stylize(`<${end - i} empty item${end - i > 1 ? 's' : ''}>`, 'undefined'));
    i = end - 1;
    if (output.length >= count && end < value.length) { output.push(more(value.length - end)); return output; }
  }
  if (value.length > count && output.length === count) output.push(more(value.length - count));
  return output;
}

function functionBase(value, name, tag) {
  const source = Function.prototype.toString.call(value);
  if (source.startsWith('class') && source.endsWith('}')) {
    let text = `[class ${Object.hasOwn(value, 'name') && value.name !== '' ? value.name : '(anonymous)'}`;
    if (name !== 'Function' && name !== null) text += ` [${name}]`;
    if (tag !== '' && name !== tag) text += ` [${tag}]`;
    const parent = Object.getPrototypeOf(value);
    if (name === null) text += ' extends null';
    else if (parent?.name) text += ` extends ${parent.name}`;
    return `${text}]`;
  }
  let kind = 'Function';
  if (types.isGeneratorFunction(value)) kind = types.isAsyncFunction(value) ? 'AsyncGeneratorFunction' : 'GeneratorFunction';
  else if (types.isAsyncFunction(value)) kind = 'AsyncFunction';
  let text = `[${kind}${name === null ? ' (null prototype)' : ''}${value.name === '' ? ' (anonymous)' : `: ${value.name}`}]`;
  if (name !== kind && name !== null && name !== 'Function') text += ` ${name}`;
  if (tag !== '' && name !== tag && !['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction'].includes(tag)) text += ` [${tag}]`;
  return text;
}

function formatError(context, error, name, keys) {
  const title = Error.prototype.toString.call(error);
  for (const hidden of ['name', 'message', 'stack']) {
    const at = keys.indexOf(hidden);
    if (at >= 0 && (hidden === 'stack' || title.includes(error[hidden]))) keys.splice(at, 1);
  }
  // JavaScriptCore's own properties of errors.
  for (const hidden of ['line', 'column', 'sourceURL']) {
    const at = keys.indexOf(hidden);
    if (at >= 0) keys.splice(at, 1);
  }
  if ('cause' in error && Object.hasOwn(error, 'cause') && !keys.includes('cause')) keys.push('cause');
  if (Array.isArray(error.errors) && !keys.includes('errors')) keys.push('errors');
  // The author's places, with our frames left out.
  const stack = __faas.stackOf(error);
  const text = stack === '' ? `[${title}]` : `${title}\n    ${stack.replaceAll('\n', '\n    ')}`;
  return context.indentation === 0 ? text : text.replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
}

function formatProperty(context, value, depth, key, isList, isElement = false) {
  const found = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key], configurable: true, enumerable: true };
  let text, space = ' ';
  if (found.value !== undefined || Object.hasOwn(found, 'value')) {
    const difference = context.compact !== true || isList && !isElement ? 2 : 3;
    context.indentation += isElement ? 2 : difference;
    text = formatValue(context, found.value, depth);
    if (difference === 3 && context.breakLength < text.length) space = `\n${' '.repeat(context.indentation)}`;
    context.indentation -= isElement ? 2 : difference;
  } else if (found.get !== undefined) {
    const label = found.set !== undefined ? 'Getter/Setter' : 'Getter';
    if (context.getters && (context.getters === true || (context.getters === 'get') === (found.set === undefined))) {
      try {
        context.indentation += 2;
        const inner = found.get.call(value);
        text = inner !== null && typeof inner === 'object' ? `${context.stylize(`[${label}]`, 'special')} ${formatValue(context, inner, depth)}`
          : `${context.stylize(`[${label}:`, 'special')} ${formatPrimitive(context, inner)}${context.stylize(']', 'special')}`;
      } catch (error) {
        text = context.stylize(`[${label}: <Inspection threw (${error.message})>]`, 'special');
      } finally {
        context.indentation -= 2;
      }
    } else text = context.stylize(`[${label}]`, 'special');
  } else text = found.set !== undefined ? context.stylize('[Setter]', 'special') : context.stylize('undefined', 'undefined');
  if (isElement) return text;
  const shown = typeof key === 'symbol' ? `[${context.stylize(key.toString(), 'symbol')}]`
    : key === '__proto__' ? "['__proto__']"
      : found.enumerable === false ? `[${key}]`
        : isIdentifier(key) ? context.stylize(key, 'name') : context.stylize(quote(key), 'string');
  return `${shown}:${space}${text}`;
}

const withoutColors = text => text.replace(/\u001b\[\d\d?m/g, '');
const widthOf = (context, text) => (context.colors ? withoutColors(text) : text).length;

function join(context, output, base, braces, isList, depth, value) {
  if (context.compact !== true) {
    if (typeof context.compact === 'number' && context.compact >= 1) {
      const count = output.length;
      if (isList && count > 6) output = group(context, output, value);
      if (context.currentDepth - depth < context.compact && count === output.length) {
        const start = output.length + context.indentation + braces[0].length + base.length + 10;
        if (isShort(context, output, start, base)) {
          const joined = output.join(', ');
          if (!joined.includes('\n')) return `${base ? `${base} ` : ''}${braces[0]} ${joined} ${braces[1]}`;
        }
      }
    }
    const indentation = `\n${' '.repeat(context.indentation)}`;
    return `${base ? `${base} ` : ''}${braces[0]}${indentation}  ${output.join(`,${indentation}  `)}${indentation}${braces[1]}`;
  }
  if (isShort(context, output, 0, base)) return `${braces[0]}${base ? ` ${base}` : ''} ${output.join(', ')} ${braces[1]}`;
  const indentation = `\n${' '.repeat(context.indentation)}`;
  const line = base === '' && braces[0].length === 1 ? ' ' : `${base ? ` ${base}` : ''}\n${indentation}  `;
  return `${braces[0]}${line}${output.join(`,${indentation}  `)} ${braces[1]}`;
}

function isShort(context, output, start, base) {
  let total = output.length + start;
  if (total + output.length > context.breakLength) return false;
  for (const part of output) {
    total += widthOf(context, part);
    if (total > context.breakLength) return false;
  }
  return base === '' || !base.includes('\n');
}

// Many short entries of a list, in columns.
function group(context, output, value) {
  let total = 0, longest = 0, count = output.length;
  const hasMore = value !== undefined && context.maxArrayLength < value.length && typeof output[count - 1] === 'string' && output[count - 1].startsWith('... ');
  if (hasMore) count--;
  const lengths = [];
  for (let i = 0; i < count; i++) {
    const length = widthOf(context, output[i]);
    lengths[i] = length;
    total += length + 2;
    if (longest < length) longest = length;
  }
  const actual = longest + 2;
  if (!(actual * 3 + context.indentation < context.breakLength && (total / actual > 5 || longest <= 6))) return output;
  // As Node weighs it: a little more columns than would fit the longest entry.
  const width = Math.max(actual - 3 - Math.sqrt(actual - total / output.length), 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * width * count) / width), Math.floor((context.breakLength - context.indentation) / actual), context.compact * 4, 15);
  if (columns <= 1) return output;
  const grouped = [], widths = [];
  for (let i = 0; i < columns; i++) {
    let width = 0;
    for (let j = i; j < output.length; j += columns) if (lengths[j] > width) width = lengths[j];
    widths.push(width + 2);
  }
  const isNumeric = value !== undefined && Array.from({ length: Math.min(value.length, output.length) }, (_, i) => value[i]).every(item => typeof item === 'number' || typeof item === 'bigint');
  for (let i = 0; i < count; i += columns) {
    const end = Math.min(i + columns, count);
    let line = '', j = i;
    for (; j < end - 1; j++) {
      const padding = widths[j - i] + output[j].length - lengths[j];
      line += isNumeric ? `${output[j]}, `.padStart(padding) : `${output[j]}, `.padEnd(padding);
    }
    line += isNumeric ? output[j].padStart(widths[j - i] + output[j].length - lengths[j] - 2) : output[j];
    grouped.push(line);
  }
  if (hasMore) grouped.push(output[count]);
  return grouped;
}

// MARK: format

// Whether somebody has written how it becomes text.
const hasOwnText = value => {
  if (typeof value.toString !== 'function') return false;
  if (Object.hasOwn(value, 'toString')) return true;
  let prototype = value;
  do prototype = Object.getPrototypeOf(prototype); while (!Object.hasOwn(prototype, 'toString'));
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor !== 'function' || globalThis[constructor.name] !== constructor || !/\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor));
};

const formatWithOptions = (options, ...values) => {
  let text = '', next = 0;
  if (typeof values[0] === 'string') {
    if (values.length === 1) return values[0];
    next = 1;
    const numberOf = (value, parse) => typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : formatNumber(parse(value));
    text = values[0].replace(/%([%sdifjoOc])/g, (whole, letter) => {
      if (letter === '%') return '%';
      if (next >= values.length) return whole;
      const value = values[next++];
      switch (letter) {
        case 's':
          if (typeof value === 'number') return formatNumber(value);
          if (typeof value === 'bigint') return `${value}n`;
          if (typeof value !== 'object' || value === null || hasOwnText(value)) return String(value);
          return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
        case 'd': return numberOf(value, Number);
        case 'i': return numberOf(value, parseInt);
        case 'f': return typeof value === 'symbol' ? 'NaN' : formatNumber(parseFloat(value));
        case 'j': try { return String(JSON.stringify(value)); } catch (error) { if (/cyclic|circular/i.test(error.message)) return '[Circular]'; throw error; }
        case 'o': return inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 });
        case 'O': return inspect(value, options);
        default: return '';
      }
    });
  }
  for (; next < values.length; next++) text += (next ? ' ' : '') + (typeof values[next] === 'string' ? values[next] : inspect(values[next], { compact: 3, colors: false, depth: 2, ...options }));
  return text;
};
const format = (...values) => formatWithOptions(undefined, ...values);

// MARK: Promises and callbacks

function promisify(original) {
  if (typeof original !== 'function') throw wrongArgument('original', 'of type function', original);
  if (original[promisified]) {
    const own = original[promisified];
    if (typeof own !== 'function') throw wrongArgument('util.promisify.custom', 'of type function', own);
    return Object.defineProperty(own, promisified, { value: own, enumerable: false, writable: false, configurable: true });
  }
  function promised(...values) {
    return new Promise((resolve, reject) => Reflect.apply(original, this, [...values, (error, value) => error ? reject(error) : resolve(value)]));
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  Object.defineProperty(promised, promisified, { value: promised, enumerable: false, writable: false, configurable: true });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = promisified;
// Node's own of this name: a promise of the delay. Ours is asked by promisify(setTimeout).
if (typeof setTimeout === 'function' && setTimeout[promisified] === undefined) {
  const delayed = (delay, value) => new Promise(resolve => setTimeout(resolve, delay, value));
  Object.defineProperty(setTimeout, promisified, { value: delayed, configurable: true });
}

function callbackify(original) {
  if (typeof original !== 'function') throw wrongArgument('original', 'of type function', original);
  function called(...values) {
    const callback = values.pop();
    if (typeof callback !== 'function') throw wrongArgument('last argument', 'of type function', callback);
    Reflect.apply(original, this, values).then(
      value => queueMicrotask(() => callback.call(this, null, value)),
      error => queueMicrotask(() => {
        if (!error) error = coded(Object.assign(new Error('Promise was rejected with a falsy value'), { reason: error }), 'ERR_FALSY_VALUE_REJECTION');
        callback.call(this, error);
      }));
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length?.value === 'number') descriptors.length.value++;
  if (typeof descriptors.name?.value === 'string') descriptors.name.value += 'Callbackified';
  return Object.defineProperties(called, descriptors);
}

function inherits(constructor, parent) {
  if (typeof constructor !== 'function') throw wrongArgument('ctor', 'of type function', constructor);
  if (typeof parent !== 'function') throw wrongArgument('superCtor', 'of type function', parent);
  if (parent.prototype === undefined) throw wrongArgument('superCtor.prototype', 'of type object', parent.prototype);
  Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const warned = new Set;
function deprecate(original, message, code) {
  let isWarned = false;
  function deprecated(...values) {
    if (!isWarned) {
      isWarned = true;
      if (code === undefined || !warned.has(code)) console.warn(`${code === undefined ? '' : `[${code}] `}DeprecationWarning: ${message}`);
      if (code !== undefined) warned.add(code);
    }
    return new.target ? Reflect.construct(original, values, new.target) : Reflect.apply(original, this, values);
  }
  Object.setPrototypeOf(deprecated, original);
  if (original.prototype) deprecated.prototype = original.prototype;
  return deprecated;
}

// Nobody has set NODE_DEBUG for a function.
const debuglog = () => Object.assign(() => {}, { enabled: false });

const { isDeepStrictEqual } = require('../comparisons.js');

module.exports = {
  inspect, format, formatWithOptions, promisify, callbackify, inherits, deprecate, debuglog, debug: debuglog, isDeepStrictEqual, types,
  stripVTControlCharacters: text => String(text).replace(/[\u001B\u009B][[\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\d\/#&.:=?%@~_]+)*|[a-zA-Z\d]+(?:;[-a-zA-Z\d\/#&.:=?%@~_]*)*)?(?:\u0007|\u001B\u005C|\u009C))|(?:(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-ntqry=><~]))/g, ''),
  toUSVString: text => String(text).toWellFormed(),
  isArray: Array.isArray, isBoolean: value => typeof value === 'boolean', isNull: value => value === null, isNullOrUndefined: value => value == null,
  isNumber: value => typeof value === 'number', isString: value => typeof value === 'string', isSymbol: value => typeof value === 'symbol',
  isUndefined: value => value === undefined, isRegExp: types.isRegExp, isObject: value => value !== null && typeof value === 'object', isDate: types.isDate,
  isError: value => types.isNativeError(value) || value instanceof Error, isFunction: value => typeof value === 'function',
  isPrimitive: value => value === null || typeof value !== 'object' && typeof value !== 'function',
  get TextEncoder() { return TextEncoder; },
  get TextDecoder() { return TextDecoder; },
};
