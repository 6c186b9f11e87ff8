// How `console` and Node's `util` show values, as Node 20 does, and how they tell what a value is. Evaluated when
// something is first shown. Its value is a function of `core`, as in url.js.
(function (core) {
  'use strict';

  const { slice, indexOf, charCodeAt, startsWith, endsWith, replaceAll, makeList, sort, define, call, keysOf, hasOwn, isArray, isView } = core;
  const { getPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols, isEnumerable, ObjectPrototype } = core;
  const { functionToString, errorToString, regExpToString, symbolToString, objectToString, dateValue, dateToString, dateToISO } = core;
  const { mapEach, setEach, typedArrayName, bytesOf, kindOf, stackOf, stringify, StringOf, NumberOf, parseIntOf, parseFloatOf } = core;
  const { floor, min, max, round, sqrt, toStringTag, customInspect: custom } = core;

  const push = (list, item) => { list[list.length] = item; };
  const joined = (list, separator) => {
    let text = '';
    for (let i = 0; i < list.length; i++) text += (i ? separator : '') + list[i];
    return text;
  };
  const includes = (list, item) => {
    for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
    return false;
  };
  const remove = (list, item) => {
    let count = 0;
    for (let i = 0; i < list.length; i++) if (list[i] !== item) list[count++] = list[i];
    list.length = count;
  };
  const spaces = count => {
    let text = '';
    while (text.length < count) text += ' ';
    return text;
  };
  const indented = (text, context) => context.indentation === 0 ? text : replaceAll(text, '\n', `\n${spaces(context.indentation)}`);

  // MARK: What a value is, asked of its internals and not of its names

  const { brands } = core;
  const has = (name, value) => {
    if (value === null || typeof value !== 'object' && typeof value !== 'function') return false;
    try {
      brands[name]?.(value);
      return brands[name] !== undefined;
    } catch {
      return false;
    }
  };
  const tagOf = value => slice(objectToString(value), 8, -1);
  const isBox = (kind, value) => typeof value === 'object' && has(kind, value);
  const nameOfTypedArray = value => value !== null && typeof value === 'object' ? typedArrayName(value) : undefined;
  const isRegExp = value => has('RegExp', value) && value !== core.RegExpPrototype;
  const isPromise = value => value instanceof core.PromiseOf && tagOf(value) === 'Promise';
  const isNativeError = value => core.isError(value) || value !== null && typeof value === 'object' && value[toStringTag] === undefined && tagOf(value) === 'Error';
  const isArgumentsObject = value => value !== null && typeof value === 'object' && !hasOwn(value, toStringTag) && tagOf(value) === 'Arguments';
  const isAsyncFunction = value => typeof value === 'function' && (tagOf(value) === 'AsyncFunction' || tagOf(value) === 'AsyncGeneratorFunction');
  const isGeneratorFunction = value => typeof value === 'function' && (tagOf(value) === 'GeneratorFunction' || tagOf(value) === 'AsyncGeneratorFunction');
  const boxes = ['Boolean', 'Number', 'String', 'Symbol', 'BigInt'];
  const kindOfBox = value => {
    for (let i = 0; i < boxes.length; i++) if (isBox(boxes[i], value)) return boxes[i];
  };
  const types = {
    isMap: value => has('Map', value), isSet: value => has('Set', value), isWeakMap: value => has('WeakMap', value), isWeakSet: value => has('WeakSet', value),
    isDate: value => has('Date', value), isPromise, isRegExp, isArrayBuffer: value => has('ArrayBuffer', value),
    isSharedArrayBuffer: value => has('SharedArrayBuffer', value), isAnyArrayBuffer: value => has('ArrayBuffer', value) || has('SharedArrayBuffer', value),
    isDataView: value => isView(value) && nameOfTypedArray(value) === undefined, isArrayBufferView: value => isView(value),
    isTypedArray: value => nameOfTypedArray(value) !== undefined, isBoxedPrimitive: value => kindOfBox(value) !== undefined,
    isNativeError, isArgumentsObject, isAsyncFunction, isGeneratorFunction, isGeneratorObject: value => tagOf(value) === 'Generator',
    isMapIterator: value => tagOf(value) === 'Map Iterator', isSetIterator: value => tagOf(value) === 'Set Iterator',
    isModuleNamespaceObject: value => tagOf(value) === 'Module',
    // Nothing here can tell these from what they stand for.
    isProxy: () => false, isExternal: () => false, isKeyObject: () => false, isCryptoKey: () => false,
  };
  for (let i = 0; i < boxes.length; i++) define.element(types, `is${boxes[i]}Object`, value => isBox(boxes[i], value));
  const arrays = keysOf(core.viewClasses);
  for (let i = 0; i < arrays.length; i++) define.element(types, `is${arrays[i]}`, value => nameOfTypedArray(value) === arrays[i]);

  // MARK: inspect

  const defaultOptions = {
    showHidden: false, depth: 2, colors: false, customInspect: true, showProxy: false, maxArrayLength: 100, maxStringLength: 10000,
    breakLength: 128, compact: 3, sorted: false, getters: false, numericSeparator: false,
  };
  const optionNames = keysOf(defaultOptions);

  function inspect(value, options) {
    const context = {
      __proto__: null, budget: { __proto__: null }, circular: undefined, indentation: 0, seen: makeList(), currentDepth: 0, stylize: text => text,
      ...inspect.defaultOptions, breakLength: 80,
    };
    if (arguments.length > 2) {
      if (arguments[2] !== undefined) context.depth = arguments[2];
      if (arguments.length > 3 && arguments[3] !== undefined) context.colors = arguments[3];
    }
    if (typeof options === 'boolean') context.showHidden = options;
    else if (options) {
      const names = keysOf(options);
      for (let i = 0; i < names.length; i++) if (includes(optionNames, names[i]) || names[i] === 'stylize') context[names[i]] = options[names[i]];
    }
    if (context.colors) {
      context.stylize = (text, style) => {
        const color = inspect.colors[inspect.styles[style]];
        return color === undefined ? text : `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
      };
    }
    if (context.maxArrayLength === null) context.maxArrayLength = Infinity;
    if (context.maxStringLength === null) context.maxStringLength = Infinity;
    return formatValue(context, value, 0);
  }
  inspect.custom = custom;
  inspect.defaultOptions = { ...defaultOptions };
  inspect.styles = {
    special: 'cyan', number: 'yellow', bigint: 'yellow', boolean: 'yellow', undefined: 'grey', null: 'bold', string: 'green', symbol: 'green',
    date: 'magenta', regexp: 'red', module: 'underline',
  };
  inspect.colors = {
    reset: [0, 0], bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], blink: [5, 25], inverse: [7, 27], hidden: [8, 28],
    strikethrough: [9, 29], black: [30, 39], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39],
    white: [37, 39], gray: [90, 39], grey: [90, 39],
  };

  const escapes = { __proto__: null, 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 92: '\\\\' };
  const digits = '0123456789ABCDEF', lowerDigits = '0123456789abcdef';
  const quote = text => {
    const mark = indexOf(text, "'") < 0 ? "'" : indexOf(text, '"') < 0 ? '"' : indexOf(text, '`') < 0 && indexOf(text, '${') < 0 ? '`' : "'";
    let escaped = '', from = 0;
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i);
      let escape;
      if (code === 39 && mark === "'") escape = "\\'";
      else if (code < 32 || code === 92 || code >= 127 && code < 160) escape = escapes[code] ?? `\\x${digits[code >> 4]}${digits[code & 15]}`;
      else if (code >= 0xd800 && code < 0xe000) {
        // Half a character on its own.
        const next = code < 0xdc00 ? charCodeAt(text, i + 1) : 0;
        if (next >= 0xdc00 && next < 0xe000) i++;
        else escape = `\\u${slice(stringify(text[i]), 3, 7)}`;
      }
      if (escape === undefined) continue;
      escaped += slice(text, from, i) + escape;
      from = i + 1;
    }
    return mark + escaped + slice(text, from) + mark;
  };

  // By hand: a regular expression would ask RegExp.prototype.exec, which is the guest's.
  const isIdentifier = text => {
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i), letter = code | 32;
      if (!(letter >= 97 && letter <= 122 || code === 95 || i > 0 && code >= 48 && code <= 57)) return false;
    }
    return text !== '';
  };
  const isIndex = key => typeof key === 'string' && `${key >>> 0}` === key && key >>> 0 !== 4294967295;
  const formatNumber = number => number === 0 && 1 / number < 0 ? '-0' : `${number}`;

  const formatPrimitive = (context, value) => {
    switch (typeof value) {
      case 'string': {
        let trailer = '';
        if (value.length > context.maxStringLength) {
          const remaining = value.length - context.maxStringLength;
          value = slice(value, 0, context.maxStringLength);
          trailer = `... ${remaining} more character${remaining > 1 ? 's' : ''}`;
        }
        // A long text on several lines is shown on as many.
        if (context.compact !== true && value.length > 16 && value.length > context.breakLength - context.indentation - 4) {
          const lines = makeList();
          for (let from = 0; from < value.length;) {
            const end = indexOf(value, '\n', from) + 1 || value.length;
            push(lines, context.stylize(quote(slice(value, from, end)), 'string'));
            from = end;
          }
          return joined(lines, ` +\n${spaces(context.indentation + 2)}`) + trailer;
        }
        return context.stylize(quote(value), 'string') + trailer;
      }
      case 'number': return context.stylize(formatNumber(value), 'number');
      case 'bigint': return context.stylize(`${value}n`, 'bigint');
      case 'symbol': return context.stylize(symbolToString(value), 'symbol');
      case 'boolean': return context.stylize(`${value}`, 'boolean');
      case 'undefined': return context.stylize('undefined', 'undefined');
      default: return context.stylize('null', 'null');
    }
  };

  const formatValue = (context, value, depth) => {
    if (typeof value !== 'object' && typeof value !== 'function' || value === null) return formatPrimitive(context, value);
    if (context.customInspect) {
      const own = value[custom];
      if (typeof own === 'function' && own !== inspect && !(value.constructor?.prototype === value)) {
        const left = context.depth === null ? null : context.depth - depth;
        const options = {};
        for (let i = 0; i < optionNames.length; i++) define.element(options, optionNames[i], context[optionNames[i]]);
        define.element(options, 'stylize', context.stylize);
        define.element(options, 'depth', left);
        const result = call(own, value, left, options, inspect);
        if (result !== value) return typeof result === 'object' && result !== null ? formatValue(context, result, depth) : typeof result === 'string' ? indented(result, context) : `${result}`;
      }
    }
    if (includes(context.seen, value)) {
      context.circular ??= makeList();
      if (!includes(context.circular, value)) push(context.circular, value);
      return context.stylize(`[Circular *${referenceOf(context, value)}]`, 'special');
    }
    return formatRaw(context, value, depth);
  };
  // The number of what refers to itself; 0 for what does not.
  const referenceOf = (context, value) => {
    const { circular } = context;
    if (circular !== undefined) for (let i = 0; i < circular.length; i++) if (circular[i] === value) return i + 1;
    return 0;
  };

  const constructorName = value => {
    for (let object = value; object !== null; object = getPrototypeOf(object)) {
      const found = getOwnPropertyDescriptor(object, 'constructor');
      if (found === undefined || typeof found.value !== 'function' || found.value.name === '') continue;
      try {
        if (value instanceof found.value) return StringOf(found.value.name);
      } catch { /* It does not say. */ }
    }
    return null;
  };

  const prefix = (name, tag, fallback, size = '') => {
    if (name === null) return tag !== '' && fallback !== tag ? `[${fallback}${size}: null prototype] [${tag}] ` : `[${fallback}${size}: null prototype] `;
    return tag !== '' && name !== tag ? `${name}${size} [${tag}] ` : `${name}${size} `;
  };

  const shownKeys = (value, showHidden, isList) => {
    const shown = makeList(), names = showHidden ? getOwnPropertyNames(value) : keysOf(value);
    for (let i = 0; i < names.length; i++) if (!isList || !isIndex(names[i])) push(shown, names[i]);
    const symbols = getOwnPropertySymbols(value);
    for (let i = 0; i < symbols.length; i++) if (showHidden || isEnumerable(value, symbols[i])) push(shown, symbols[i]);
    return shown;
  };

  const more = count => `... ${count} more item${count > 1 ? 's' : ''}`;

  // What stands before the braces, the braces, and what is between them besides the properties.
  const formatRaw = (context, value, depth) => {
    const name = constructorName(value), inner = depth + 1;
    let tag = value[toStringTag];
    if (typeof tag !== 'string' || tag === '' || tag === name || (context.showHidden ? hasOwn(value, toStringTag) : isEnumerable(value, toStringTag))) tag = '';
    // By what it descends from, which costs less to ask than all internals.
    const kind = typeof value === 'function' ? 'Function' : kindOf(value), is = expected => kind === expected && has(expected, value);
    const isTyped = kind === 'View' && nameOfTypedArray(value) !== undefined, isList = isArray(value) || isTyped;
    let base = '', open = '{', close = '}', addEntries;
    let keys = shownKeys(value, context.showHidden, isList);

    if (isArray(value)) {
      open = `${name !== 'Array' || tag !== '' ? prefix(name, tag, 'Array', `(${value.length})`) : ''}[`;
      close = ']';
      if (value.length === 0 && keys.length === 0) return `${open}]`;
      addEntries = output => formatArray(context, value, inner, output);
    } else if (is('Set') || is('Map')) {
      const items = makeList();
      if (kind === 'Set') setEach(value, item => push(items, item));
      else mapEach(value, (item, key) => { push(items, key); push(items, item); });
      const step = kind === 'Set' ? 1 : 2, size = items.length / step;
      open = `${prefix(name, tag, kind, `(${size})`)}{`;
      if (size === 0 && keys.length === 0) return `${open}}`;
      addEntries = output => {
        context.indentation += 2;
        for (let i = 0; i < size; i++) {
          if (i >= context.maxArrayLength) { push(output, more(size - i)); break; }
          const first = formatValue(context, items[step * i], inner);
          push(output, kind === 'Set' ? first : `${first} => ${formatValue(context, items[2 * i + 1], inner)}`);
        }
        context.indentation -= 2;
      };
    } else if (isTyped) {
      open = `${prefix(name, tag, nameOfTypedArray(value), `(${value.length})`)}[`;
      close = ']';
      if (value.length === 0 && keys.length === 0) return `${open}]`;
      addEntries = output => {
        const count = min(max(0, context.maxArrayLength), value.length);
        for (let i = 0; i < count; i++) push(output, context.stylize(typeof value[i] === 'bigint' ? `${value[i]}n` : formatNumber(value[i]), typeof value[i]));
        if (value.length > count) push(output, more(value.length - count));
      };
    } else if (kind === 'Object' && (types.isMapIterator(value) || types.isSetIterator(value))) {
      // It cannot be looked into without moving it.
      open = `[${tagOf(value)}] {`;
      addEntries = () => {};
    } else if (kind === 'Object' && isArgumentsObject(value)) {
      open = '[Arguments] {';
      if (keys.length === 0) return '[Arguments] {}';
    } else if (kind === 'Function') {
      base = functionBase(value, name, tag);
      if (keys.length === 0) return context.stylize(base, 'special');
    } else if (kind === 'RegExp' && isRegExp(value)) {
      base = regExpToString(value);
      const start = prefix(name, tag, 'RegExp');
      if (start !== 'RegExp ') base = `${start}${base}`;
      if (keys.length === 0 || depth > context.depth && context.depth !== null) return context.stylize(base, 'regexp');
    } else if (is('Date')) {
      const time = dateValue(value);
      base = time !== time ? dateToString(value) : dateToISO(value);
      const start = prefix(name, tag, 'Date');
      if (start !== 'Date ') base = `${start}${base}`;
      if (keys.length === 0) return context.stylize(base, 'date');
    } else if (isNativeError(value)) {
      base = formatError(context, value, keys);
      if (keys.length === 0) return base;
    } else if (is('ArrayBuffer')) {
      open = `${prefix(name, tag, 'ArrayBuffer')}{`;
      addEntries = output => {
        const bytes = bytesOf(value), count = min(max(0, context.maxArrayLength), bytes.length);
        let text = '';
        for (let i = 0; i < count; i++) text += `${i ? ' ' : ''}${lowerDigits[bytes[i] >> 4]}${lowerDigits[bytes[i] & 15]}`;
        if (bytes.length > count) text += ` ... ${bytes.length - count} more byte${bytes.length - count > 1 ? 's' : ''}`;
        push(output, `${context.stylize('[Uint8Contents]', 'special')}: <${text}>`);
        push(output, `byteLength: ${context.stylize(`${bytes.length}`, 'number')}`);
      };
    } else if (kind === 'View') {
      open = `${prefix(name, tag, 'DataView')}{`;
      const part = (output, key) => {
        context.indentation += 2;
        push(output, `${key}: ${formatValue(context, value[key], inner)}`);
        context.indentation -= 2;
      };
      addEntries = output => {
        part(output, 'byteLength');
        part(output, 'byteOffset');
        part(output, 'buffer');
      };
    } else if (kind === 'Other' && isPromise(value)) {
      open = `${prefix(name, tag, 'Promise')}{`;
      // Whether it is settled cannot be asked at once.
      addEntries = output => push(output, context.stylize('<pending>', 'special'));
    } else if (kind === 'Other' && (has('WeakSet', value) || has('WeakMap', value))) {
      open = `${prefix(name, tag, has('WeakSet', value) ? 'WeakSet' : 'WeakMap')}{`;
      addEntries = output => push(output, context.stylize('<items unknown>', 'special'));
    } else if (kind !== 'Object' && kindOfBox(value) === kind) {
      const primitive = core.unbox(kind, value);
      if (kind === 'String') keys = shownKeys(value, context.showHidden, true);
      base = `[${kind}${name !== kind ? name === null ? ' (null prototype)' : ` (${name})` : ''}: ${formatPrimitive({ __proto__: null, ...context, stylize: text => text }, primitive)}]`;
      if (keys.length === 0) return context.stylize(base, typeof primitive);
    } else if (name === 'Object' && tag === '') {
      if (keys.length === 0) return '{}';
    } else {
      open = `${prefix(name, tag, 'Object')}{`;
      if (keys.length === 0) return `${open}}`;
    }
    if (context.depth !== null && depth > context.depth) {
      const label = slice(prefix(name, tag, isArray(value) ? 'Array' : 'Object'), 0, -1);
      return context.stylize(name === null ? label : `[${label}]`, 'special');
    }
    push(context.seen, value);
    context.currentDepth = inner;
    const output = makeList();
    addEntries?.(output);
    const entryCount = output.length;
    for (let i = 0; i < keys.length; i++) push(output, formatProperty(context, value, inner, keys[i], isList));
    context.seen.length--;
    const reference = referenceOf(context, value);
    if (reference !== 0) {
      const shown = context.stylize(`<ref *${reference}>`, 'special');
      if (context.compact !== true) base = base === '' ? shown : `${shown} ${base}`;
      else open = `${shown} ${open}`;
    }
    if (context.sorted) sortFrom(output, isList ? entryCount : 0, context.sorted === true ? undefined : context.sorted);
    const text = join(context, output, base, open, close, isList, inner, value);
    // As Node does, before a text becomes longer than a text may be.
    context.budget[context.indentation] = (context.budget[context.indentation] ?? 0) + text.length;
    if (context.budget[context.indentation] > 2 ** 27) context.depth = -1;
    return text;
  };

  const sortFrom = (list, start, order) => {
    const part = makeList();
    for (let i = start; i < list.length; i++) part[i - start] = list[i];
    sort(part, order);
    for (let i = start; i < list.length; i++) list[i] = part[i - start];
  };

  const formatArray = (context, value, depth, output) => {
    const count = min(max(0, context.maxArrayLength), value.length);
    for (let i = 0; i < value.length && output.length < count; i++) {
      if (hasOwn(value, i)) {
        push(output, formatProperty(context, value, depth, `${i}`, true, true));
        continue;
      }
      // Up to the next that is there. An array can be long and have few.
      let end = value.length;
      const keys = keysOf(value);
      for (let j = 0; j < keys.length && isIndex(keys[j]); j++) {
        if (+keys[j] < i) continue;
        end = +keys[j];
        break;
      }
      push(output, context.stylize(`<${end - i} empty item${end - i > 1 ? 's' : ''}>`, 'undefined'));
      i = end - 1;
      if (output.length >= count && end < value.length) return push(output, more(value.length - end));
    }
    if (value.length > count && output.length === count) push(output, more(value.length - count));
  };

  const functionBase = (value, name, tag) => {
    const source = functionToString(value);
    if (startsWith(source, 'class') && endsWith(source, '}')) {
      let text = `[class ${hasOwn(value, 'name') && value.name !== '' ? StringOf(value.name) : '(anonymous)'}`;
      if (name !== 'Function' && name !== null) text += ` [${name}]`;
      if (tag !== '' && name !== tag) text += ` [${tag}]`;
      const parent = getPrototypeOf(value);
      if (name === null) text += ' extends null';
      else if (parent?.name) text += ` extends ${StringOf(parent.name)}`;
      return `${text}]`;
    }
    const kind = isGeneratorFunction(value) ? isAsyncFunction(value) ? 'AsyncGeneratorFunction' : 'GeneratorFunction' : isAsyncFunction(value) ? 'AsyncFunction' : 'Function';
    let text = `[${kind}${name === null ? ' (null prototype)' : ''}${value.name === '' ? ' (anonymous)' : `: ${StringOf(value.name)}`}]`;
    if (name !== kind && name !== null && name !== 'Function') text += ` ${name}`;
    if (tag !== '' && name !== tag && tag !== 'AsyncFunction' && tag !== 'GeneratorFunction' && tag !== 'AsyncGeneratorFunction') text += ` [${tag}]`;
    return text;
  };

  // Takes from the keys what the text says already.
  const formatError = (context, error, keys) => {
    const title = errorToString(error);
    const isSaid = name => name === 'stack' || indexOf(title, StringOf(error[name])) >= 0;
    const names = ['name', 'message', 'stack'];
    for (let i = 0; i < names.length; i++) if (includes(keys, names[i]) && isSaid(names[i])) remove(keys, names[i]);
    // JavaScriptCore's own properties of errors.
    remove(keys, 'line');
    remove(keys, 'column');
    remove(keys, 'sourceURL');
    if (hasOwn(error, 'cause') && !includes(keys, 'cause')) push(keys, 'cause');
    if (isArray(error.errors) && !includes(keys, 'errors')) push(keys, 'errors');
    // The author's places, with our frames left out.
    const stack = stackOf(error);
    return indented(stack === '' ? `[${title}]` : `${title}\n    ${replaceAll(stack, '\n', '\n    ')}`, context);
  };

  const formatProperty = (context, value, depth, key, isList, isElement = false) => {
    const found = getOwnPropertyDescriptor(value, key) ?? { value: value[key], enumerable: true };
    let text, space = ' ';
    if (hasOwn(found, 'value')) {
      const difference = context.compact !== true || isList && !isElement ? 2 : 3;
      context.indentation += isElement ? 2 : difference;
      text = formatValue(context, found.value, depth);
      if (difference === 3 && context.breakLength < text.length) space = `\n${spaces(context.indentation)}`;
      context.indentation -= isElement ? 2 : difference;
    } else if (found.get !== undefined) {
      const label = found.set !== undefined ? 'Getter/Setter' : 'Getter';
      // To look is not to run the guest's getters, but for those who ask for it.
      if (context.getters && (context.getters === true || (context.getters === 'get') === (found.set === undefined))) {
        try {
          context.indentation += 2;
          const inner = call(found.get, value);
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
    const shown = typeof key === 'symbol' ? `[${context.stylize(symbolToString(key), 'symbol')}]`
      : key === '__proto__' ? "['__proto__']"
        : found.enumerable === false ? `[${key}]`
          : isIdentifier(key) ? context.stylize(key, 'name') : context.stylize(quote(key), 'string');
    return `${shown}:${space}${text}`;
  };

  const withoutColors = text => {
    let result = '', from = 0;
    for (let at = indexOf(text, '\u001b['); at >= 0; at = indexOf(text, '\u001b[', from)) {
      result += slice(text, from, at);
      from = indexOf(text, 'm', at) + 1 || text.length;
    }
    return result + slice(text, from);
  };
  const widthOf = (context, text) => (context.colors ? withoutColors(text) : text).length;

  const join = (context, output, base, open, close, isList, depth, value) => {
    if (context.compact !== true) {
      if (typeof context.compact === 'number' && context.compact >= 1) {
        const count = output.length;
        if (isList && count > 6) output = group(context, output, value);
        if (context.currentDepth - depth < context.compact && count === output.length) {
          const start = output.length + context.indentation + open.length + base.length + 10;
          if (isShort(context, output, start, base)) {
            const text = joined(output, ', ');
            if (indexOf(text, '\n') < 0) return `${base ? `${base} ` : ''}${open} ${text} ${close}`;
          }
        }
      }
      const indentation = `\n${spaces(context.indentation)}`;
      return `${base ? `${base} ` : ''}${open}${indentation}  ${joined(output, `,${indentation}  `)}${indentation}${close}`;
    }
    if (isShort(context, output, 0, base)) return `${open}${base ? ` ${base}` : ''} ${joined(output, ', ')} ${close}`;
    const indentation = `\n${spaces(context.indentation)}`;
    const line = base === '' && open.length === 1 ? ' ' : `${base ? ` ${base}` : ''}${indentation}  `;
    return `${open}${line}${joined(output, `,${indentation}  `)} ${close}`;
  };

  const isShort = (context, output, start, base) => {
    let total = output.length + start;
    if (total + output.length > context.breakLength) return false;
    for (let i = 0; i < output.length; i++) {
      total += widthOf(context, output[i]);
      if (total > context.breakLength) return false;
    }
    return base === '' || indexOf(base, '\n') < 0;
  };

  // Many short entries of a list, in columns.
  const group = (context, output, value) => {
    let total = 0, longest = 0, count = output.length;
    // How many more there are is no entry.
    const hasMore = context.maxArrayLength < output.length;
    if (hasMore) count--;
    const lengths = makeList();
    for (let i = 0; i < count; i++) {
      const length = widthOf(context, output[i]);
      lengths[i] = length;
      total += length + 2;
      if (longest < length) longest = length;
    }
    const actual = longest + 2;
    if (!(actual * 3 + context.indentation < context.breakLength && (total / actual > 5 || longest <= 6))) return output;
    // As Node weighs it: a little more columns than would fit the longest entry.
    const width = max(actual - 3 - sqrt(actual - total / output.length), 1);
    const columns = min(round(sqrt(2.5 * width * count) / width), floor((context.breakLength - context.indentation) / actual), context.compact * 4, 15);
    if (columns <= 1) return output;
    const grouped = makeList(), widths = makeList();
    for (let i = 0; i < columns; i++) {
      let width = 0;
      for (let j = i; j < count; j += columns) if (lengths[j] > width) width = lengths[j];
      push(widths, width + 2);
    }
    let isNumeric = true;
    for (let i = 0; i < value.length && i < output.length && isNumeric; i++) isNumeric = typeof value[i] === 'number' || typeof value[i] === 'bigint';
    for (let i = 0; i < count; i += columns) {
      const end = min(i + columns, count);
      let line = '';
      for (let j = i; j < end; j++) {
        const isLast = j === end - 1, text = isLast ? output[j] : `${output[j]}, `, filler = spaces(widths[j - i] - lengths[j] - 2);
        line += isNumeric ? filler + text : isLast ? text : text + filler;
      }
      push(grouped, line);
    }
    if (hasMore) push(grouped, output[count]);
    return grouped;
  };

  // MARK: format

  // Whether somebody has written how it becomes text.
  const hasOwnText = value => {
    if (typeof value.toString !== 'function') return false;
    if (hasOwn(value, 'toString')) return true;
    let prototype = value;
    do prototype = getPrototypeOf(prototype); while (prototype !== null && !hasOwn(prototype, 'toString'));
    const maker = prototype === null ? undefined : getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    return typeof maker !== 'function' || !core.isBuiltIn(maker.name);
  };

  const numberOf = (value, read) => typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : formatNumber(read(value));
  const directive = (letter, value, options) => {
    switch (letter) {
      case 's':
        if (typeof value === 'number') return formatNumber(value);
        if (typeof value === 'bigint') return `${value}n`;
        if (typeof value !== 'object' || value === null || hasOwnText(value)) return StringOf(value);
        return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
      case 'd': return numberOf(value, NumberOf);
      case 'i': return numberOf(value, parseIntOf);
      case 'f': return typeof value === 'symbol' ? 'NaN' : formatNumber(parseFloatOf(value));
      case 'j':
        try {
          return StringOf(stringify(value));
        } catch (error) {
          if (indexOf(StringOf(error.message), 'cyclic') >= 0) return '[Circular]';
          throw error;
        }
      case 'o': return inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 });
      case 'O': return inspect(value, options);
      // 'c', a style.
      default: return '';
    }
  };
  const formatList = (options, values) => {
    let text = '', next = 0;
    if (typeof values[0] === 'string') {
      const pattern = values[0];
      if (values.length === 1) return pattern;
      next = 1;
      let from = 0;
      for (let at = indexOf(pattern, '%'); at >= 0 && at + 1 < pattern.length; at = indexOf(pattern, '%', at)) {
        const letter = pattern[at + 1];
        if (letter === '%' || indexOf('sdifjoOc', letter) >= 0 && next < values.length) {
          text += slice(pattern, from, at) + (letter === '%' ? '%' : directive(letter, values[next++], options));
          from = at += 2;
        } else at++;
      }
      text += slice(pattern, from);
    }
    for (; next < values.length; next++) text += (next ? ' ' : '') + (typeof values[next] === 'string' ? values[next] : inspect(values[next], { compact: 3, colors: false, depth: 2, ...options }));
    return text;
  };

  return { __proto__: null, inspect, formatList, types, kindOfBox, nameOfTypedArray };
})
