"""Tool chain, bundles and machine images: downloaded, or built from source if unavailable."""
