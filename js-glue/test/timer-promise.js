/**
 * `Promise` as iOS before 16 has it in mini-programs: continuations are timers, not microtasks, so a
 * timer that was set earlier comes first. A sandbox runs this text in place of the built-in.
 */
Promise = class Promise {
  constructor(executor) {
    this.state = 'pending';
    this.reactions = [];
    let settled = false;
    const once = (settle) => (value) => {
      if (!settled) settle(value);
      settled = true;
    };
    const end = (state) => (value) => {
      Object.assign(this, { state, value });
      this.reactions.forEach((reaction) => setTimeout(reaction, 0));
    };
    const adopt = (value) => {
      if (!value || typeof value.then !== 'function') return end('fulfilled')(value);
      setTimeout(() => value.then(adopt, end('rejected')), 0);
    };
    const [resolve, reject] = [once(adopt), once(end('rejected'))];
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  then(fulfilled, rejected) {
    return new Promise((resolve, reject) => {
      const reaction = () => {
        const [handler, pass] = this.state === 'fulfilled' ? [fulfilled, resolve] : [rejected, reject];
        if (typeof handler !== 'function') return pass(this.value);
        try {
          resolve(handler(this.value));
        } catch (error) {
          reject(error);
        }
      };
      if (this.state === 'pending') this.reactions.push(reaction);
      else setTimeout(reaction, 0);
    });
  }

  catch(rejected) {
    return this.then(undefined, rejected);
  }

  static resolve(value) {
    return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
  }

  static reject(error) {
    return new Promise((resolve, reject) => reject(error));
  }

  static all(values) {
    return new Promise((resolve, reject) => {
      const results = [];
      let missing = values.length;
      if (missing === 0) resolve(results);
      values.forEach((value, index) => {
        Promise.resolve(value).then((result) => {
          results[index] = result;
          missing -= 1;
          if (missing === 0) resolve(results);
        }, reject);
      });
    });
  }
};
