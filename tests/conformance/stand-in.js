/*
 * Not our SDK: an SDK of the same shape with the manners of older bundles, for the test of the runner. It asks for
 * the global object and for its runtime by code made of strings, exports itself by UMD, asks `instanceof` of what it
 * is given, and throws and rejects anything but errors.
 */
(function (root, factory) {
  if (typeof exports === 'object' && typeof module !== 'undefined') module.exports = factory();
  else if (typeof define === 'function' && define.amd) define(factory);
  else root.StandIn = factory();
})(this, function () {
  var global = Function('return this')();
  if (global.wx !== wx) throw { reason: 'this is not the global object' };
  Function('r', 'standInRuntime = r')({ wrap: function (body) { return body(); } });

  var only = null;

  function StandIn(options) {
    this.options = options;
    this.listeners = {};
  }

  StandIn.Client = function (options) {
    if (!('appkey' in options)) throw { reason: 'no appkey' };
    only = only || new StandIn(options);
    return only;
  };

  StandIn.destroy = function () { only = null; };

  function refused(code) {
    return global.standInRuntime.wrap(function () {
      var reason = { code: code, reason: 'refused' };
      reason.itself = reason;
      return Promise.reject(reason);
    });
  }

  StandIn.prototype = {
    constructor: StandIn,
    init: function () { return Promise.resolve(); },
    leave: function () { return Promise.resolve(); },
    on: function (event, listener) {
      if (!(listener instanceof Function)) throw new Error({ reason: 'no function' });
      this.listeners[event] = listener;
    },
    once: function () { throw { reason: 'not today' }; },
    off: function (event) {
      if (!this.listeners[event]) throw new Error({ reason: 'nothing there' });
      delete this.listeners[event];
    },
    emit: function (event, data) {
      var self = this;
      setTimeout(function () { if (self.listeners[event]) self.listeners[event](data); }, 0);
    },
    join: function (param) {
      return new Promise(function (resolve, reject) {
        if (!param || !param.channelName) reject(undefined);
        wx.request({
          url: 'https://stand-in.example', method: 'post', data: { uid: 1 },
          success: function (answer) {
            if (!(answer instanceof Object) || !(answer.data instanceof Object)) throw { reason: 'not my object' };
            reject({ code: answer.data.code });
          },
          fail: reject,
        });
      });
    },
    publish: function () { return refused(434); },
    unpublish: function () { return refused(undefined); },
    setRole: function () {
      refused(1);
      return Promise.resolve();
    },
    switchMode: function () { throw { reason: 'thrown at once' }; },
  };

  return StandIn;
});
