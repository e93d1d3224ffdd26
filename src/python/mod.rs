//! The native module `ferrolite._core`: takes arguments, calls the core, hands objects back. No translation here.

mod cache;
mod call;
mod chunks;
mod error;
mod gateway;
mod gateway_hooks;
mod log;
mod lookup;
mod meta;
mod objects;
mod pricing;
mod queue;
mod results;
mod router;
mod runtime;
mod settings;
mod stream;
mod testing;
mod tokens;
mod value;

use pyo3::prelude::*;

/// Calls are made by one thread and freed by another, for which the system's allocator takes locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    log::connect();
    module.add("version", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<cache::CoreCache>()?;
    module.add_class::<call::PendingCall>()?;
    module.add_class::<gateway::CoreGateway>()?;
    module.add_class::<gateway_hooks::HookReply>()?;
    module.add_class::<meta::CallMeta>()?;
    module.add_class::<queue::LoopQueue>()?;
    module.add_class::<router::CorePlan>()?;
    module.add_class::<router::CoreRouter>()?;
    module.add_class::<stream::CoreStream>()?;
    module.add_class::<testing::MockServer>()?;
    module.add_function(wrap_pyfunction!(call::call, module)?)?;
    module.add_function(wrap_pyfunction!(call::call_async, module)?)?;
    module.add_function(wrap_pyfunction!(call::call_future, module)?)?;
    module.add_function(wrap_pyfunction!(call::collect_chunks, module)?)?;
    module.add_function(wrap_pyfunction!(call::preview, module)?)?;
    module.add_function(wrap_pyfunction!(call::register_provider, module)?)?;
    module.add_function(wrap_pyfunction!(call::split_model, module)?)?;
    module.add_function(wrap_pyfunction!(gateway::check_gateway, module)?)?;
    module.add_function(wrap_pyfunction!(gateway::explain_gateway, module)?)?;
    module.add_function(wrap_pyfunction!(gateway::serve_gateway, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::is_steering, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::missing_environment, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::model_can, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::model_facts, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::model_names, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::provider_facts, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::provider_names, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::providers_with_keys, module)?)?;
    module.add_function(wrap_pyfunction!(lookup::supported_params, module)?)?;
    module.add_function(wrap_pyfunction!(log::set_log_level, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::find_model, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::price_model, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::price_work, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::public_models, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::register_model, module)?)?;
    module.add_function(wrap_pyfunction!(testing::alive_tasks, module)?)?;
    module.add_function(wrap_pyfunction!(testing::serve_mock, module)?)?;
    module.add_function(wrap_pyfunction!(tokens::count_messages, module)?)?;
    module.add_function(wrap_pyfunction!(tokens::count_text, module)?)?;
    module.add_function(wrap_pyfunction!(tokens::decode_tokens, module)?)?;
    module.add_function(wrap_pyfunction!(tokens::encode_text, module)?)?;
    module.add_function(wrap_pyfunction!(tokens::encoding_of_model, module)?)?;
    Ok(())
}
