"""How tool chain, bundles and machine images are made: fetched, or built where nothing can be."""
